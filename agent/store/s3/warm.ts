import { HeadBucketCommand } from '@aws-sdk/client-s3'
import type { Bucket } from './client.ts'
import type { S3Error } from './failure.ts'
import { type Ask, sendOnce } from './request.ts'

/**
 * Finds credentials, resolves the store's name and leaves an open connection behind, so that none of it is left to do
 * when it is urgent; may be repeated to keep all that fresh. Asks for the bucket without a signature: any answer
 * proves the way there, and an audit log does not show a host that tries what it may not.
 */
export async function warm(bucket: Bucket, signal: AbortSignal): Promise<void> {
  const ask: Ask = { verb: 'reach', key: '', permission: '' }
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
