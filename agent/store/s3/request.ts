import type { S3Client } from '@aws-sdk/client-s3'
import { abandonable } from '../../deadline.ts'
import type { Bucket } from './client.ts'
import { endedError, S3Error, s3Error, type Task } from './failure.ts'
import { retry } from './retry.ts'

/** What is asked of the store: `verb` and `key` for the message, and the permission that it needs. */
export interface Ask {
  readonly verb: string
  readonly key: string
  readonly permission: string
}

/** One request: `send` makes a fresh command and gives it to the client with the options. */
export type Send<T> = (client: S3Client, options: { readonly abortSignal: AbortSignal }) => Promise<T>

/** Sends once. Fails as an S3Error. */
export async function sendOnce<T>(bucket: Bucket, ask: Ask, send: Send<T>, signal: AbortSignal): Promise<T> {
  try {
    // `abandonable`, for the SDK looks for credentials without minding the signal.
    signal.throwIfAborted()
    return await abandonable(send(bucket.client, { abortSignal: signal }), signal)
  } catch (thrown) {
    if (signal.aborted) throw endedError(task(bucket, ask), signal.reason)
    throw s3Error(task(bucket, ask), thrown)
  }
}

/** Sends until the store has done it, within the bucket's patience and the signal. Fails as an S3Error. */
export async function send<T>(bucket: Bucket, ask: Ask, command: Send<T>, signal: AbortSignal): Promise<T> {
  return await retry(() => sendOnce(bucket, ask, command, signal), bucket.patience.tries, signal)
}

/**
 * Sends what creates an object, as `send` does. `ours` knows the failures that mean, after a try whose answer was lost,
 * that this try has created it.
 */
export async function create(
  bucket: Bucket,
  ask: Ask,
  command: Send<unknown>,
  ours: (failure: S3Error) => boolean,
  signal: AbortSignal,
): Promise<void> {
  const once = async (doubtful: boolean) => {
    try {
      await sendOnce(bucket, ask, command, signal)
    } catch (thrown) {
      if (!(doubtful && thrown instanceof S3Error && ours(thrown))) throw thrown
    }
  }
  await retry(once, bucket.patience.tries, signal)
}

/** Describes the task to failure.ts. */
export function task(bucket: Bucket, { verb, key, permission }: Ask): Task {
  const { name, url, region, host, settings } = bucket
  return { what: `${verb} ${url}/${key}`, permission, bucket: name, region, host, owner: settings.owner }
}
