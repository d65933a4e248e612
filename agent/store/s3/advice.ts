/** Who reads a message: somebody who builds hosts, or somebody at a machine of their own. What helps them differs. */
export type Side = 'host' | 'operator'

type Advice = Readonly<Record<Side, string>>

/** Where there are no credentials at all. */
export const GIVE_CREDENTIALS: Advice = {
  host: 'give the host a role, the service the systemd credential lastgasp.aws, or set AWS_ACCESS_KEY_ID in /etc/lastgasp/environment',
  operator: 'name a profile (AWS_PROFILE), log in (aws sso login), or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
}

/** Where the store does not take those that there are. */
export const CHECK_CREDENTIALS: Advice = {
  host: 'check the credentials that the host has been given',
  operator: 'check your profile (AWS_PROFILE), or log in again (aws sso login)',
}

/** Where they are good, and not for this. */
export const CHECK_POLICY: Advice = {
  host: "check the role's and the bucket's policy",
  operator: "check the policies of your profile's role (AWS_PROFILE) and of the bucket",
}

/** Where a certificate is signed by nobody known. */
export const TRUST_AUTHORITY: Advice = {
  host: "if the store has an authority of your own, name its certificate's file: NODE_EXTRA_CA_CERTS=/path.pem in /etc/lastgasp/environment",
  operator:
    "if the store has an authority of your own, name its certificate's file: NODE_EXTRA_CA_CERTS=/path.pem, or trust what the system trusts: NODE_USE_SYSTEM_CA=1",
}
