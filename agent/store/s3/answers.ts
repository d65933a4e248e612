import { CHECK_CREDENTIALS, CHECK_POLICY } from './advice.ts'
import { of, type Task, type Thrown, type Verdict, type Verdicts } from './verdict.ts'

/** What an answer of the store means, with the store's own status, code and words. */
export function answered(task: Task, thrown: Thrown, status: number): Verdict {
  const { name = '' } = thrown
  const [failure, because] = (of(ANSWERS, name) ?? byFamily(name) ?? byStatus(status))(task, thrown)
  return [
    failure,
    because === '' ? `the store says ${quoted(thrown, status)}` : `${because} (${quoted(thrown, status)})`,
  ]
}

type Answer = Verdicts[string]

/** Error codes of S3 (API Reference, "Error responses") that have something better to say than their message. */
const ANSWERS: Verdicts = {
  PreconditionFailed: () => ['exists', 'there is such an object already'],
  NoSuchKey: () => ['missing', 'there is no such object'],
  NotFound: () => ['missing', 'there is no such object'],
  NoSuchBucket: ({ bucket, host }) => ['permanent', `there is no bucket ${bucket} at ${host}: check the store setting`],
  NoSuchUpload: () => ['permanent', 'the upload is gone: a lifecycle rule or somebody else has aborted it'],
  AccessDenied: accessDenied,
  InvalidAccessKeyId: ({ host, side }) => [
    'denied',
    `${host} does not know the access key: ${CHECK_CREDENTIALS[side]}`,
  ],
  SignatureDoesNotMatch: ({ side }) => [
    'denied',
    `the secret key does not fit the access key: ${CHECK_CREDENTIALS[side]}`,
  ],
  ExpiredToken: ({ side }) => ['denied', `the session credentials have expired: ${CHECK_CREDENTIALS[side]}`],
  InvalidToken: ({ side }) => ['denied', `the session token is not valid: ${CHECK_CREDENTIALS[side]}`],
  // The SDK has by now taken over the store's time, so the next try is signed with it.
  RequestTimeTooSkewed: ({ host }) => ['transient', `this machine's clock is more than 15 min off that of ${host}`],
  PermanentRedirect: wrongRegion,
  AuthorizationHeaderMalformed: wrongRegion,
  IllegalLocationConstraintException: wrongRegion,
  SlowDown: ({ host }) => ['transient', `${host} asks to slow down`],
  OperationAborted: () => ['transient', 'another request for the same key was under way'],
  ConditionalRequestConflict: () => ['transient', 'another request for the same key was under way'],
  RequestTimeout: ({ host }) => ['transient', `${host} waited too long for the request`],
  NotImplemented: notImplemented,
  MethodNotAllowed: wrongAddress,
  InvalidBucketOwnerAWSAccountID: ({ owner }) => [
    'permanent',
    `s3.owner = "${owner}" is no account: it takes the 12 digits of the one that owns the bucket`,
  ],
  EntityTooLarge: () => ['permanent', 'the store takes no object that large: raise its limit'],
}

/** Codes of which servers have many. Ceph and MinIO: `QuotaExceeded`, `XMinioAdminBucketQuotaExceeded`, `XMinioStorageFull`. */
const FAMILIES: readonly (readonly [RegExp, Answer])[] = [
  [/Quota/, ({ bucket }) => ['permanent', `the quota of ${bucket} is used up: make room there or raise it`]],
  [/StorageFull|InsufficientStorage|OutOfCapacity/, full],
  [/Throttl|^RequestLimitExceeded$|^TooManyRequests/, ({ host }) => ['transient', `${host} asks to slow down`]],
  [/^KMS\..*AccessDenied|^Kms.*AccessDenied/i, (task) => keyDenied(task)],
  [/^KMS\.|^Kms/, keyUnusable],
  [/Checksum|^BadDigest$|^XAmzContentSHA256Mismatch$|^XAmzContentChecksumMismatch$/, checksums],
]

function byFamily(name: string): Answer | undefined {
  return FAMILIES.find(([codes]) => codes.test(name))?.[1]
}

/** What a status means where the code says nothing to us. */
function byStatus(status: number): Answer {
  if (status === 501 || status === 505) return notImplemented
  if (status === 507) return full
  if (status === 301) return wrongRegion
  if (status === 401) return ({ side }) => ['denied', `the store wants other credentials: ${CHECK_CREDENTIALS[side]}`]
  // Without a code of its own, as the answer to HEAD is, it is about rights; another code is its own reason.
  if (status === 403) return (task, thrown) => (hasCode(thrown) ? ['denied', ''] : accessDenied(task, thrown))
  if (status === 405) return wrongAddress
  if (status === 407)
    return ({ proxy }) => ['permanent', `${proxy ?? 'a proxy'} wants a name and a password in its URL`]
  if (status === 412) return () => ['exists', 'there is such an object already']
  if (status === 408 || status === 429 || status === 307 || status >= 500 || status < 300)
    return () => ['transient', '']
  return () => ['permanent', '']
}

/** What S3 says about rights to a key of KMS, it says in a message: "… is not authorized to perform: kms:GenerateDataKey …". */
const KEY_RIGHT = /\bkms:[A-Za-z]+/

function accessDenied(task: Task, { message = '' }: Thrown): Verdict {
  const { permission, bucket, owner, side } = task
  const [right] = KEY_RIGHT.exec(message) ?? []
  if (right !== undefined) return keyDenied(task, right)
  const owned = owner === undefined ? '' : `, and that account ${owner} (s3.owner) owns ${bucket}`
  return ['denied', `the credentials may not ${permission} there: ${CHECK_POLICY[side]}${owned}`]
}

/** The rights that S3 needs in the caller's name: S3 User Guide, "Using server-side encryption with AWS KMS". */
function keyDenied({ bucket, permission, side }: Task, right?: string): Verdict {
  const needed = right ?? (permission === 's3:GetObject' ? 'kms:Decrypt' : 'kms:GenerateDataKey and kms:Decrypt')
  return [
    'denied',
    `the credentials may not use the key that encrypts ${bucket} (SSE-KMS), which takes ${needed}: ${CHECK_POLICY[side]}`,
  ]
}

/** Disabled, about to be deleted, in another region, of another kind: KMS API Reference, "Common errors". */
function keyUnusable({ bucket }: Task): Verdict {
  return [
    'permanent',
    `the key that encrypts ${bucket} (SSE-KMS) cannot be used: check its state and region, and the encryption that the bucket has by default`,
  ]
}

function wrongRegion({ bucket, region }: Task, thrown: Thrown): Verdict {
  const right = thrown.Region ?? thrown.$response?.headers?.['x-amz-bucket-region']
  const where = right === undefined ? 'in another region' : `in region ${right}`
  return ['permanent', `the bucket ${bucket} is ${where}, not in ${region}: set s3.region`]
}

/** S3's error names the header in question; other servers seldom do. */
function notImplemented(_task: Task, { Header: header = '', message = '' }: Thrown): Verdict {
  const about = `${header} ${message}`
  const create = 'it cannot create without overwriting (If-None-Match on writes), and lastgasp writes in no other way'
  const sums = 'it knows no checksums in headers: set s3.checksums = "required"'
  if (/if-none-match/i.test(about)) return ['permanent', create]
  if (/checksum|content-sha256/i.test(about)) return ['permanent', sums]
  return ['permanent', `the store lacks something that it was asked for. Either ${sums}; or ${create}`]
}

function checksums(): Verdict {
  return ['permanent', 'the store takes the checksum for wrong: where it knows none, set s3.checksums = "required"']
}

function wrongAddress({ bucket, host }: Task): Verdict {
  return [
    'permanent',
    `${host} takes this for no request to the bucket ${bucket}: try s3.addressing = "path" (or "virtual")`,
  ]
}

function full({ host }: Task): Verdict {
  return ['permanent', `the disks of ${host} are full`]
}

/** A store's own words are foreign, and as long as it likes. */
const WORDS_LIMIT = 300

/** Status, code and words of the store. Ceph's gateway sends no words, which the SDK calls `UnknownError`. */
function quoted(thrown: Thrown, status: number): string {
  const words = (thrown.message ?? '').slice(0, WORDS_LIMIT)
  const code = hasCode(thrown) ? ` ${thrown.name}` : ''
  return `${status}${code}${words === '' || words === 'UnknownError' || words === thrown.name ? '' : `: ${words}`}`
}

/** The SDK names an error without one after its own classes, or after the status. */
function hasCode({ name = '' }: Thrown): boolean {
  return name !== '' && !/^(Error|S3ServiceException|UnknownError|Unknown|\d+)$/.test(name)
}
