import { HeadBucketCommand } from '@aws-sdk/client-s3'
import { abandonable } from '../../words/deadline.ts'
import type { Bucket } from './client.ts'
import { endedError, type S3Error, s3Error } from './failure.ts'
import { type Ask, sendOnce, task, waiting } from './request.ts'

/**
 * Finds credentials, resolves the store's name and leaves an open connection behind, so that none of it is left to do
 * when it is urgent; may be repeated to keep all that fresh. Asks for the bucket without a signature: any answer
 * proves the way there, and an audit log does not show a host that tries what it may not.
 */
export async function warm(bucket: Bucket, signal: AbortSignal): Promise<void> {
  const ask: Ask = { verb: 'reach', key: '', permission: '' }
  await waiting(bucket, ask, async () => {
    // Beside each other: a connection is of use also while old credentials have to do.
    const [renewed, reached] = await Promise.allSettled([renew(bucket, ask, signal), reach(bucket, ask, signal)])
    if (renewed.status === 'rejected') throw renewed.reason
    if (reached.status === 'rejected') throw reached.reason
  })
}

async function renew(bucket: Bucket, ask: Ask, signal: AbortSignal): Promise<void> {
  try {
    await abandonable(bucket.credentials.renew(), signal)
  } catch (thrown) {
    if (signal.aborted) throw endedError(task(bucket, ask), signal.reason)
    throw s3Error(task(bucket, ask), thrown)
  }
}

async function reach(bucket: Bucket, ask: Ask, signal: AbortSignal): Promise<void> {
  const command = () => {
    const head = new HeadBucketCommand({ Bucket: bucket.name })
    head.middlewareStack.add(
      (next) => async (handed) => {
        const { headers } = handed.request as { headers: Record<string, string> }
        delete headers.authorization
        delete headers['x-amz-security-token']
        return next(handed)
      },
      { step: 'deserialize', priority: 'low', name: 'lastgaspUnsigned' },
    )
    return head
  }
  await sendOnce(bucket, ask, (client, options) => client.send(command(), options), signal).catch((thrown: S3Error) => {
    if (!answered(thrown)) throw thrown
  })
}

function answered({ cause }: S3Error): boolean {
  return (cause as { $metadata?: { httpStatusCode?: number } } | undefined)?.$metadata?.httpStatusCode !== undefined
}
