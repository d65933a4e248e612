import type { Rule } from '../rule.ts'
import { saidOften } from './said-often.ts'

/** OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED, Go's crypto/x509, GnuTLS, Java, rustls, Node. */
const SAYS =
  /certificate has expired|CERT_HAS_EXPIRED|certificate is expired|The certificate chain uses expired certificate|CertificateExpiredException|invalid peer certificate: Expired|certificate expired/i
const OFTEN = 3

export const certificate: Rule = {
  name: 'certificate',
  kind: 'failed',
  reason:
    'A service that says again and again that a certificate has expired, its own or a peer’s: nothing works, and nothing on the host looks broken. A clock that is wrong looks the same.',
  look: (evidence) =>
    saidOften(
      evidence,
      SAYS,
      OFTEN,
      (unit, times) => `${unit} met an expired certificate, as it has said ${times} times within ten minutes.`,
    ),
}
