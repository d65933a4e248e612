import {
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { cannot } from '../../cannot.ts'
import { checkKey } from '../key.ts'
import { checkPart, leadingParts } from '../parts.ts'
import { StoreError, type Upload } from '../store.ts'
import type { Bucket } from './client.ts'
import { checksum, place, stored } from './put.ts'
import { create, send } from './request.ts'

const PERMISSION = 's3:PutObject'

/** Begins a multipart upload. It remembers its parts by itself: listing them is no permission of ours. */
export async function beginUpload(bucket: Bucket, key: string, signal: AbortSignal): Promise<Upload> {
  checkKey(key)
  const { settings } = bucket
  const algorithm = settings.checksums === 'required' ? {} : { ChecksumAlgorithm: 'CRC32' as const }
  // Asked again after a lost answer, this leaves an empty upload behind, which a lifecycle rule removes.
  const begun = await send(
    bucket,
    { verb: 'begin', key, permission: PERMISSION },
    (client, options) =>
      client.send(new CreateMultipartUploadCommand({ ...place(bucket, key), ...algorithm }), options),
    signal,
  )
  const upload = { ...place(bucket, key), UploadId: begun.UploadId }
  const sizes = new Map<number, number>()
  const parts: CompletedPart[] = []

  return {
    key,
    async part(number, body, signal) {
      checkPart(key, number, body)
      const sum = checksum(bucket, body)
      const input = { ...upload, PartNumber: number, Body: body, ...sum }
      const answer = await send(
        bucket,
        { verb: `store part ${number} of`, key, permission: PERMISSION },
        (client, options) => client.send(new UploadPartCommand(input), options),
        signal,
      )
      parts[number - 1] = { PartNumber: number, ETag: answer.ETag, ...sum }
      sizes.set(number, body.length)
    },

    async complete(signal) {
      const { count, bytes } = leadingParts(sizes)
      if (count === 0) {
        throw new StoreError('permanent', cannot(`complete ${bucket.url}/${key}`, 'its first part is missing').message)
      }
      const input = { ...upload, IfNoneMatch: '*', MultipartUpload: { Parts: parts.slice(0, count) } }
      await create(
        bucket,
        { verb: 'complete', key, permission: PERMISSION },
        (client, options) => client.send(new CompleteMultipartUploadCommand(input), options),
        // After a lost answer: the object is there (S3), or the upload that became it is no more (RGW).
        (error) => error.failure === 'exists' || error.code === 'NoSuchUpload',
        signal,
      )
      return stored(bucket, key, bytes)
    },
  }
}
