import {
  CompleteMultipartUploadCommand,
  GetBucketLifecycleConfigurationCommand,
  type LifecycleRule,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { retry } from '../retry.ts'
import type { Arrived, Completed, Filler, Unfinished, Uploads } from '../uploads.ts'
import { type Bucket, openBucket, type Patience, READER_PATIENCE, type S3Location, type S3Settings } from './client.ts'
import { soonest } from './expiry.ts'
import { S3Error } from './failure.ts'
import { checksum, place, putObject } from './put.ts'
import { send } from './request.ts'

/**
 * Unfinished uploads in a bucket. Looking takes `s3:ListBucketMultipartUploads` and `s3:ListMultipartUploadParts`, completing
 * `s3:PutObject`. Ceph's gateway (16.2) takes an upload with all of its parts only, and minds no `If-None-Match` when it is completed.
 */
export async function s3Uploads(
  location: S3Location,
  settings: S3Settings,
  patience: Patience = READER_PATIENCE,
): Promise<Uploads> {
  const bucket = await openBucket(location, settings, patience, 'operator')
  return {
    url: bucket.url,
    waiting: () => bucket.waits.longest(),
    now: (signal) => now(bucket, signal),
    list: (prefix, signal) => list(bucket, prefix, signal),
    parts: (upload, signal) => parts(bucket, upload, signal),
    complete: (upload, arrived, filler, signal) => complete(bucket, upload, arrived, filler, signal),
    put: (key, body, signal) => put(bucket, key, body, signal),
    expiry: async (prefix, signal) => soonest(await rules(bucket, signal), bucket.prefix + prefix),
    [Symbol.asyncDispose]: () => bucket[Symbol.asyncDispose](),
  }
}

async function now(bucket: Bucket, signal: AbortSignal): Promise<number> {
  if (bucket.clockSkew === undefined) {
    const { Key: Prefix, ...where } = place(bucket, '')
    const input = new ListMultipartUploadsCommand({ ...where, Prefix, MaxUploads: 1 })
    await send(bucket, listing(''), (client, options) => client.send(input, options), signal)
  }
  return Date.now() + (bucket.clockSkew ?? 0)
}

const listing = (prefix: string) => ({
  verb: 'list uploads below',
  key: prefix,
  permission: 's3:ListBucketMultipartUploads',
})

async function* list(bucket: Bucket, prefix: string, signal: AbortSignal): AsyncGenerator<Unfinished> {
  const { Key: Prefix, ...where } = place(bucket, prefix)
  for (let from = {}; ; ) {
    const page = await send(
      bucket,
      listing(prefix),
      (client, options) => client.send(new ListMultipartUploadsCommand({ ...where, Prefix, ...from }), options),
      signal,
    )
    for (const { Key = '', UploadId } of page.Uploads ?? []) {
      if (UploadId !== undefined) yield { key: Key.slice(bucket.prefix.length), id: UploadId }
    }
    const { IsTruncated, NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page
    if (IsTruncated !== true || KeyMarker === undefined) return
    from = { KeyMarker, UploadIdMarker }
  }
}

async function parts(bucket: Bucket, upload: Unfinished, signal: AbortSignal): Promise<Arrived[]> {
  const { key, id } = upload
  const ask = { verb: 'list parts of', key, permission: 's3:ListMultipartUploadParts' }
  const arrived: Arrived[] = []
  for (let marker: string | undefined; ; ) {
    const input = { ...place(bucket, key), UploadId: id, ...(marker !== undefined && { PartNumberMarker: marker }) }
    const page = await send(
      bucket,
      ask,
      (client, options) => client.send(new ListPartsCommand(input), options),
      signal,
    ).catch(async (thrown: unknown) => {
      if (isGone(thrown)) return undefined
      // To whom a policy gives the right, Ceph's gateway says the same of an upload that is gone and of one that he may not see.
      if (!(thrown instanceof S3Error && thrown.failure === 'denied')) throw thrown
      for await (const one of list(bucket, key, signal)) if (one.id === id) throw thrown
      return undefined
    })
    if (page === undefined) return []
    for (const { PartNumber: number, Size: bytes, ETag: etag, ChecksumCRC32: crc32 } of page.Parts ?? []) {
      if (number !== undefined && bytes !== undefined) arrived.push({ number, bytes, etag, crc32 })
    }
    if (page.IsTruncated !== true || page.NextPartNumberMarker === undefined) break
    marker = page.NextPartNumberMarker
  }
  return arrived.sort((a, b) => a.number - b.number)
}

async function complete(
  bucket: Bucket,
  { key, id }: Unfinished,
  arrived: readonly Arrived[],
  filler: Filler,
  signal: AbortSignal,
): Promise<Completed> {
  const upload = { ...place(bucket, key), UploadId: id }
  const permission = 's3:PutObject'
  // An upload that was begun with checksums wants one of every part.
  const isSummed = arrived.some(({ crc32 }) => crc32 !== undefined)
  const body = Buffer.alloc(filler.numbers.length === 0 ? 0 : filler.bytes)
  const sum = isSummed ? checksum(bucket, body) : {}
  const all = arrived.map(({ number, etag, crc32 }) => ({
    ...{ PartNumber: number, ETag: etag },
    ...(crc32 !== undefined && { ChecksumCRC32: crc32 }),
  }))
  try {
    for (const PartNumber of filler.numbers) {
      const input = { ...upload, PartNumber, Body: body, ...sum }
      const ask = { verb: `fill part ${PartNumber} of`, key, permission }
      const { ETag } = await send(
        bucket,
        ask,
        (client, options) => client.send(new UploadPartCommand(input), options),
        signal,
      )
      all.push({ PartNumber, ETag, ...sum })
    }
    const Parts = all.sort((a, b) => a.PartNumber - b.PartNumber)
    const input = { ...upload, IfNoneMatch: '*', MultipartUpload: { Parts } }
    await send(
      bucket,
      { verb: 'complete', key, permission },
      (client, options) => client.send(new CompleteMultipartUploadCommand(input), options),
      signal,
    )
    return 'completed'
  } catch (thrown) {
    // After a lost answer these two are our own success, or another salvager's: the object is there.
    if (isGone(thrown)) return 'gone'
    if (thrown instanceof S3Error && thrown.failure === 'exists') return 'exists'
    if (thrown instanceof S3Error && thrown.code === 'InvalidPart') return 'changed'
    throw thrown
  }
}

/** Ceph's gateway (16.2) knows of no such key, where S3 knows of no such upload. */
const isGone = (thrown: unknown) =>
  thrown instanceof S3Error && (thrown.code === 'NoSuchUpload' || thrown.failure === 'missing')

async function put(bucket: Bucket, key: string, body: Buffer, signal: AbortSignal): Promise<'created' | 'exists'> {
  try {
    await retry(() => putObject(bucket, key, body, signal), bucket.patience.tries, signal)
    return 'created'
  } catch (thrown) {
    if (thrown instanceof S3Error && thrown.failure === 'exists') return 'exists'
    throw thrown
  }
}

/** The bucket's lifecycle, as far as the credentials may see it. */
async function rules(bucket: Bucket, signal: AbortSignal): Promise<readonly LifecycleRule[]> {
  const { Key: _, ...where } = place(bucket, '')
  const ask = { verb: 'see the lifecycle of', key: '', permission: 's3:GetLifecycleConfiguration' }
  try {
    const input = new GetBucketLifecycleConfigurationCommand(where)
    return (await send(bucket, ask, (client, options) => client.send(input, options), signal)).Rules ?? []
  } catch (thrown) {
    signal.throwIfAborted()
    if (thrown instanceof S3Error) return []
    throw thrown
  }
}
