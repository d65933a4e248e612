import type { Store } from '../store.ts'
import { CAPTURE_PATIENCE, openBucket, type Patience, type S3Location, type S3Settings } from './client.ts'
import { beginUpload } from './multipart.ts'
import { putObject } from './put.ts'
import { warm } from './warm.ts'

/**
 * A store in a bucket. Needs `s3:PutObject` and nothing else. Create-only by `If-None-Match: *`: Ceph's gateway (16.2)
 * minds it when an object comes in one request, but ignores it when an upload is completed and replaces the object.
 */
export async function s3Store(
  location: S3Location,
  settings: S3Settings,
  patience: Patience = CAPTURE_PATIENCE,
): Promise<Store> {
  const bucket = await openBucket(location, settings, patience, 'host')
  return {
    url: bucket.url,
    pace: bucket.pace,
    waiting: () => bucket.waits.longest(),
    warm: (signal) => warm(bucket, signal),
    put: (key, body, signal) => putObject(bucket, key, body, signal),
    begin: (key, signal) => beginUpload(bucket, key, signal),
    [Symbol.asyncDispose]: () => bucket[Symbol.asyncDispose](),
  }
}
