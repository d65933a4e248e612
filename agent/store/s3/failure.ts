import { cannot, sentence } from '../../cannot.ts'
import { StoreError, type StoreFailure } from '../store.ts'

/** A StoreError with the store's own word for it, and whether the request may have been carried out all the same. */
export class S3Error extends StoreError {
  readonly code: string
  readonly doubtful: boolean
  constructor(failure: StoreFailure, message: string, code: string, doubtful: boolean, options?: ErrorOptions) {
    super(failure, message, options)
    this.code = code
    this.doubtful = doubtful
  }
}

/** What was being done, for the sentence a person reads. */
export interface Task {
  /** `store s3://bucket/key` */
  readonly what: string
  /** The permission it needs: `s3:PutObject`. */
  readonly permission: string
  readonly bucket: string
  /** Host (and port) that was talked to. */
  readonly host: string
  readonly region: string
  readonly owner: string | undefined
}

type Verdict = readonly [failure: StoreFailure, because: string]
type Verdicts = Readonly<Record<string, (task: Task, thrown: Thrown) => Verdict>>

/** What the SDK's errors carry, whichever of its layers threw. */
interface Thrown {
  readonly name?: string
  readonly code?: string
  readonly message?: string
  readonly Region?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> }
}

/** Error codes of S3 (API Reference, "Error responses") that have something better to say than their message. */
const ANSWERS: Verdicts = {
  PreconditionFailed: () => ['exists', 'there is such an object already'],
  NoSuchKey: () => ['missing', 'there is no such object'],
  NotFound: () => ['missing', 'there is no such object'],
  NoSuchBucket: ({ bucket, host }) => ['permanent', `there is no bucket ${bucket} at ${host}: check the store setting`],
  NoSuchUpload: () => ['permanent', 'the upload is gone: a lifecycle rule or somebody else has aborted it'],
  AccessDenied: accessDenied,
  InvalidAccessKeyId: ({ host }) => ['denied', `${host} does not know the access key: check the credentials`],
  SignatureDoesNotMatch: () => ['denied', 'the secret key does not fit the access key: check the credentials'],
  ExpiredToken: () => ['denied', 'the session credentials have expired'],
  InvalidToken: () => ['denied', 'the session token is not valid: check the credentials'],
  CredentialsProviderError: () => [
    'denied',
    'no credentials found: give the host a role, the service the systemd credential lastgasp.aws, or set AWS_ACCESS_KEY_ID',
  ],
  // The SDK has by now taken over the store's time, so the next try is signed with it.
  RequestTimeTooSkewed: ({ host }) => ['transient', `this host's clock is more than 15 min off that of ${host}`],
  PermanentRedirect: wrongRegion,
  AuthorizationHeaderMalformed: wrongRegion,
  IllegalLocationConstraintException: wrongRegion,
  SlowDown: ({ host }) => ['transient', `${host} asks to slow down`],
  OperationAborted: () => ['transient', 'another request for the same key was under way'],
  ConditionalRequestConflict: () => ['transient', 'another request for the same key was under way'],
  RequestTimeout: ({ host }) => ['transient', `${host} waited too long for the request`],
}

/** Error codes of the network: errno(3), getaddrinfo(3), and those of Node's TLS. */
const NETWORK: Verdicts = {
  ECONNREFUSED: ({ host }) => ['transient', `${host} refused the connection: is the endpoint right, and up?`],
  ECONNRESET: ({ host }) => ['transient', `${host} broke the connection`],
  EPIPE: ({ host }) => ['transient', `${host} broke the connection`],
  ENOTFOUND: ({ host }) => ['transient', `the name of ${host} cannot be resolved: check the endpoint, region and DNS`],
  EAI_AGAIN: ({ host }) => ['transient', `the name of ${host} cannot be resolved: no name server answers`],
  ENETUNREACH: ({ host }) => ['transient', `there is no route to ${host}`],
  EHOSTUNREACH: ({ host }) => ['transient', `there is no route to ${host}`],
  EPROTO: ({ host }) => ['permanent', `${host} does not speak TLS: should the endpoint be http:// ?`],
  ERR_TLS_CERT_ALTNAME_INVALID: ({ host }) => ['permanent', `the certificate of ${host} is for another name`],
  CERT_HAS_EXPIRED: ({ host }) => [
    'permanent',
    `the certificate of ${host} has expired, or this host's clock is wrong`,
  ],
  CERT_NOT_YET_VALID: ({ host }) => [
    'permanent',
    `the certificate of ${host} is not valid yet: is this host's clock right?`,
  ],
}

/** Codes of X509_verify_cert_error_string(3) that all mean: signed by nobody we know. */
const UNTRUSTED = /SELF_SIGNED|UNABLE_TO|^CERT_|^ERR_SSL|^ERR_TLS/

/** With these, the request never left: whatever the store has, it is not ours. */
const UNSENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ENETUNREACH', 'EHOSTUNREACH', 'SlowDown'])

/** The S3Error for anything that the SDK or the network threw while `task` was under way. */
export function s3Error(task: Task, error: unknown): S3Error {
  if (error instanceof S3Error) return error
  const thrown: Thrown = error instanceof Error ? error : {}
  const [failure, because] = verdict(task, thrown, error)
  const status = thrown.$metadata?.httpStatusCode ?? 0
  const refused = (status >= 300 && status < 500) || UNSENT.has(thrown.code ?? '') || UNSENT.has(thrown.name ?? '')
  const doubtful = failure === 'transient' && !refused
  return new S3Error(failure, cannot(task.what, because).message, thrown.name ?? '', doubtful, { cause: error })
}

/** The S3Error for a task that the signal has ended: it may have been carried out. */
export function endedError(task: Task, reason: unknown): S3Error {
  return new S3Error('transient', cannot(task.what, `its time was up (${sentence(reason)})`).message, '', true, {
    cause: reason,
  })
}

function verdict(task: Task, thrown: Thrown, error: unknown): Verdict {
  const { name = '', code = '', message = '' } = thrown
  const status = thrown.$metadata?.httpStatusCode
  const known = of(ANSWERS, name) ?? of(NETWORK, code)
  if (known !== undefined) return known(task, thrown)
  if (UNTRUSTED.test(code)) return ['permanent', `the certificate of ${task.host} is not trusted (${code})`]
  if (name === 'TimeoutError') return ['transient', silence(task, message)]
  if (status === undefined || status >= 500 || status === 429 || status === 307)
    return ['transient', said(status, error)]
  if (status === 403 || status === 401) return accessDenied(task)
  if (status === 301) return wrongRegion(task, thrown)
  if (status === 412) return ['exists', 'there is such an object already']
  return status < 300 ? ['transient', said(status, error)] : ['permanent', said(status, error)]
}

/** What a table says of a code, which comes from outside: `constructor` is none. */
function of(verdicts: Verdicts, code: string): Verdicts[string] | undefined {
  return Object.hasOwn(verdicts, code) ? verdicts[code] : undefined
}

function accessDenied({ permission, bucket, owner }: Task): Verdict {
  const owned = owner === undefined ? '' : `, and that account ${owner} (s3.owner) owns ${bucket}`
  return ['denied', `the credentials may not ${permission} there: check the role's and the bucket's policy${owned}`]
}

function wrongRegion(task: Task, thrown: Thrown): Verdict {
  const right = thrown.Region ?? thrown.$response?.headers?.['x-amz-bucket-region']
  const where = right === undefined ? 'in another region' : `in region ${right}`
  return ['permanent', `the bucket ${task.bucket} is ${where}, not in ${task.region}: set s3.region`]
}

function silence({ host }: Task, message: string): string {
  const connecting = message.includes('did not establish a connection')
  return connecting ? `no connection to ${host} came about in time` : `${host} fell silent`
}

function said(status: number | undefined, error: unknown): string {
  if (status === undefined || !(error instanceof Error)) return sentence(error)
  // Ceph's gateway sends a code and no message, which the SDK calls by this name.
  const more = error.message === 'UnknownError' ? '' : `: ${error.message}`
  return `the store says ${status} ${error.name}${more}`
}
