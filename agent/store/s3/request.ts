import type { S3Client } from '@aws-sdk/client-s3'
import { abandonable } from '../../words/deadline.ts'
import { retry } from '../retry.ts'
import type { Bucket } from './client.ts'
import { endedError, s3Error } from './failure.ts'
import type { Task } from './verdict.ts'

/** What is asked of the store: `verb` and `key` for the message, and the permission that it needs. */
export interface Ask {
  readonly verb: string
  readonly key: string
  readonly permission: string
}

/** One request: `send` makes a fresh command and gives it to the client with the options. */
export type Send<T> = (client: S3Client, options: { readonly abortSignal: AbortSignal }) => Promise<T>

/** Sends once, and again when the store knows the keys no more and there are others by now. Fails as an S3Error. */
export async function sendOnce<T>(bucket: Bucket, ask: Ask, send: Send<T>, signal: AbortSignal): Promise<T> {
  try {
    // `abandonable`, for nothing that finds credentials minds the signal.
    signal.throwIfAborted()
    return await abandonable(
      withFreshKeys(bucket, () => send(bucket.client, { abortSignal: signal })),
      signal,
    )
  } catch (thrown) {
    if (signal.aborted) throw endedError(task(bucket, ask), signal.reason)
    throw s3Error(task(bucket, ask), thrown)
  }
}

/** Answers that mean: these keys are no more. Whoever issues new ones does so beside us, in a file or a service. */
const OUTDATED = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidToken',
  'InvalidAccessKeyId',
  'TokenRefreshRequired',
])

async function withFreshKeys<T>(bucket: Bucket, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt()
  } catch (thrown) {
    if (!OUTDATED.has((thrown as Error).name)) throw thrown
    // Where there are no others, the store's answer is the better reason.
    if (!(await bucket.credentials.renew().catch(() => false))) throw thrown
    return await attempt()
  }
}

/** Sends once, known to be waited for. Fails as an S3Error. */
export async function request<T>(bucket: Bucket, ask: Ask, command: Send<T>, signal: AbortSignal): Promise<T> {
  return await waiting(bucket, ask, () => sendOnce(bucket, ask, command, signal))
}

/** As `request`, until the store has done it, within the bucket's patience: for those who read. */
export async function send<T>(bucket: Bucket, ask: Ask, command: Send<T>, signal: AbortSignal): Promise<T> {
  const once = () => sendOnce(bucket, ask, command, signal)
  return await waiting(bucket, ask, () => retry(once, bucket.patience.tries, signal))
}

/** Does `work`, known to be waited for meanwhile. */
export async function waiting<T>(bucket: Bucket, { verb, key }: Ask, work: () => Promise<T>): Promise<T> {
  return await bucket.waits.during(() => `${awaited(bucket)}, to ${verb} ${bucket.url}/${key}`, work)
}

/** Who has to answer before anything goes on. */
function awaited({ credentials, host }: Bucket): string {
  return credentials.asking === undefined ? host : `credentials from ${credentials.asking}`
}

/** Describes the task to failure.ts. */
export function task(bucket: Bucket, { verb, key, permission }: Ask): Task {
  const { name, url, region, host, settings, side, proxy, roads } = bucket
  return {
    what: `${verb} ${url}/${key}`,
    ...{ permission, bucket: name, region, host, side, proxy },
    owner: settings.owner,
    distrust: roads.distrust,
    awaited: awaited(bucket),
  }
}
