import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import type { Archive, ObjectEntry } from '../store.ts'
import { type Bucket, openBucket, type Patience, READER_PATIENCE, type S3Location, type S3Settings } from './client.ts'
import { place } from './put.ts'
import { read } from './read.ts'
import { send } from './request.ts'

/** Reads bundles from a bucket. Needs `s3:ListBucket` and `s3:GetObject`. */
export async function s3Archive(
  location: S3Location,
  settings: S3Settings,
  patience: Patience = READER_PATIENCE,
): Promise<Archive> {
  const bucket = await openBucket(location, settings, patience, 'operator')
  return {
    url: bucket.url,
    waiting: () => bucket.waits.longest(),
    list: (prefix, signal) => list(bucket, prefix, signal),
    folders: (prefix, signal) => folders(bucket, prefix, signal),
    read: (key, from, signal) => read(bucket, key, from, signal),
    [Symbol.asyncDispose]: () => bucket[Symbol.asyncDispose](),
  }
}

async function* list(bucket: Bucket, prefix: string, signal: AbortSignal): AsyncGenerator<ObjectEntry> {
  for await (const { Contents = [] } of pages(bucket, prefix, undefined, signal)) {
    for (const { Key = '', Size = 0, LastModified } of Contents) {
      yield { key: Key.slice(bucket.prefix.length), bytes: Size, modified: LastModified?.getTime() ?? 0 }
    }
  }
}

async function* folders(bucket: Bucket, prefix: string, signal: AbortSignal): AsyncGenerator<string> {
  for await (const { CommonPrefixes = [] } of pages(bucket, prefix, '/', signal)) {
    for (const { Prefix = '' } of CommonPrefixes) yield Prefix.slice(bucket.prefix.length)
  }
}

async function* pages(bucket: Bucket, prefix: string, delimiter: string | undefined, signal: AbortSignal) {
  const { Key, ...where } = place(bucket, prefix)
  let token: string | undefined
  do {
    const input = { ...where, Prefix: Key, Delimiter: delimiter, ContinuationToken: token }
    const page = await send(
      bucket,
      { verb: 'list', key: prefix, permission: 's3:ListBucket' },
      (client, options) => client.send(new ListObjectsV2Command(input), options),
      signal,
    )
    if (page === undefined) return
    yield page
    token = page.IsTruncated ? page.NextContinuationToken : undefined
  } while (token !== undefined)
}
