import { TRUST_AUTHORITY } from './advice.ts'
import { QuietError } from './exchange.ts'
import { of, type Task, type Thrown, type Verdict, type Verdicts } from './verdict.ts'

/** What it means that no answer came: the network, TLS, a proxy, or a request that could not even be made. */
export function unanswered(task: Task, thrown: Thrown): Verdict {
  const { name = '', code = '', message = '' } = thrown
  if (code === 'ERR_PROXY_TUNNEL') return noTunnel(task, thrown)
  const known = of(NETWORK, code)?.(task, thrown)
  if (known !== undefined) return byWayOf(task, known)
  if (UNTRUSTED.test(code)) return untrusted(task, code)
  if (thrown instanceof QuietError) return byWayOf(task, ['transient', quiet(task, thrown)])
  if (/^HPE_/.test(code))
    return ['permanent', `${task.host} does not speak HTTP (${code}): should the endpoint be https:// ?`]
  // The SDK and Node refuse a request that cannot be one: no store will ever see it.
  if (code === '' || IMPOSSIBLE.test(code))
    return ['permanent', `${(message || name).replace(/\.$/, '')}: check ${ADDRESS_SETTINGS}`]
  return byWayOf(task, ['transient', `${task.host} cannot be reached: ${message || name}`])
}

/** What makes up the URL of a request. */
const ADDRESS_SETTINGS = 's3.endpoint, s3.region, s3.addressing and the bucket'
/** Error codes of Node for arguments that are none (nodejs.org/api/errors.html). */
const IMPOSSIBLE = /^ERR_(INVALID|UNESCAPED|UNSUPPORTED|OUT_OF_RANGE)/

/** Error codes of the network: errno(3), getaddrinfo(3), and those of Node's TLS. */
const NETWORK: Verdicts = {
  ECONNREFUSED: ({ host }) => ['transient', `${host} refused the connection: is the endpoint right, and up?`],
  ECONNRESET: ({ host }) => ['transient', `${host} broke the connection`],
  EPIPE: ({ host }) => ['transient', `${host} broke the connection`],
  ENOTFOUND: (task) => [
    'transient',
    `the name of ${task.host} cannot be resolved: check ${nameSettings(task)} and DNS`,
  ],
  EAI_AGAIN: ({ host }) => ['transient', `the name of ${host} cannot be resolved: no name server answers`],
  ENETUNREACH: ({ host }) => ['transient', `there is no route to ${host}`],
  EHOSTUNREACH: ({ host }) => ['transient', `there is no route to ${host}`],
  EMFILE: ({ host }) => ['transient', `no descriptor is left to this process for a connection to ${host}`],
  ENFILE: ({ host }) => ['transient', `no descriptor is left on this host for a connection to ${host}`],
  EPROTO: ({ host }) => ['permanent', `${host} does not speak TLS: should the endpoint be http:// ?`],
  ERR_TLS_CERT_ALTNAME_INVALID: ({ host, bucket }) => [
    'permanent',
    `the certificate of ${host} is for another name${host.startsWith(`${bucket}.`) ? ': try s3.addressing = "path"' : ''}`,
  ],
  CERT_HAS_EXPIRED: ({ host }) => [
    'permanent',
    `the certificate of ${host} has expired, or this machine's clock is wrong`,
  ],
  CERT_NOT_YET_VALID: ({ host }) => [
    'permanent',
    `the certificate of ${host} is not valid yet: is this machine's clock right?`,
  ],
}

function nameSettings({ host, bucket }: Task): string {
  const virtual = host.startsWith(`${bucket}.`) ? ' (or s3.addressing = "path")' : ''
  return `the endpoint, region${virtual}`
}

/** Codes of X509_verify_cert_error_string(3) that all mean: signed by nobody we know. */
const UNTRUSTED = /SELF_SIGNED|UNABLE_TO|^CERT_|^ERR_SSL|^ERR_TLS/

function untrusted({ host, side, distrust }: Task, code: string): Verdict {
  const help = distrust ?? TRUST_AUTHORITY[side]
  return ['permanent', `the certificate of ${host} is not trusted (${code}): ${help}`]
}

function quiet({ host }: Task, { connected }: QuietError): string {
  return connected ? `${host} fell silent` : `no connection to ${host} came about in time`
}

/** A proxy's status, to CONNECT (RFC 9110, 9.3.6). */
function noTunnel({ host, proxy = 'the proxy' }: Task, { statusCode = 0 }: Thrown): Verdict {
  if (statusCode === 407) return ['permanent', `${proxy} wants a name and a password in its URL (407)`]
  const refusal = `${proxy} does not let us through to ${host} (${statusCode})`
  return statusCode >= 500 || statusCode === 429
    ? ['transient', refusal]
    : ['permanent', `${refusal}: set NO_PROXY where there is a direct way`]
}

/** Which of the two is to blame does not show: Node gives the same errors for a proxy and for the store behind it. */
function byWayOf({ proxy }: Task, [failure, because]: Verdict): Verdict {
  return [
    failure,
    proxy === undefined ? because : `${because}; the way there is by ${proxy}, unless NO_PROXY names the store`,
  ]
}
