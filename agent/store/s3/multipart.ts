import { createHash } from 'node:crypto'
import {
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
  type UploadPartCommandInput,
} from '@aws-sdk/client-s3'
import { cannot } from '../../words/cannot.ts'
import { checkKey } from '../key.ts'
import { checkPart, leadingParts } from '../parts.ts'
import { StoreError, type Upload } from '../store.ts'
import type { Bucket } from './client.ts'
import { S3Error } from './failure.ts'
import { checksum, place, stored } from './put.ts'
import { request } from './request.ts'

const PERMISSION = 's3:PutObject'

/** Begins a multipart upload. It remembers its parts by itself: listing them is no permission of ours. */
export async function beginUpload(bucket: Bucket, key: string, signal: AbortSignal): Promise<Upload> {
  checkKey(key)
  const { settings } = bucket
  const algorithm = settings.checksums === 'required' ? {} : { ChecksumAlgorithm: 'CRC32' as const }
  // Asked for again after a lost answer, it leaves an empty upload behind, which a lifecycle rule removes.
  const begun = await request(
    bucket,
    { verb: 'begin', key, permission: PERMISSION },
    (client, options) =>
      client.send(new CreateMultipartUploadCommand({ ...place(bucket, key), ...algorithm }), options),
    signal,
  )
  const upload = { ...place(bucket, key), UploadId: begun.UploadId }
  const sizes = new Map<number, number>()
  const parts: CompletedPart[] = []
  /** Whether a completion was asked for whose answer was lost. */
  let completing = false
  /** Parts that were given up and may have arrived all the same, with the ETag that they have then. */
  const doubtful = new Map<number, { readonly part: CompletedPart; readonly bytes: number }>()

  return {
    key,
    async part(number, body, signal) {
      checkPart(key, number, body)
      const sum = checksum(bucket, body)
      const input = { ...upload, PartNumber: number, Body: body, ...sum }
      const sent = (signed: boolean) =>
        request(
          bucket,
          { verb: `store part ${number} of`, key, permission: PERMISSION },
          (client, options) => client.send(signed ? new UploadPartCommand(input) : unsigned(input), options),
          signal,
        )
      const answer = await sent(bucket.signsParts)
        .catch((thrown: unknown) => {
          // A bucket's policy may want signed content (its condition key s3:x-amz-content-sha256).
          if (bucket.signsParts || !(thrown instanceof S3Error && thrown.failure === 'denied')) throw thrown
          bucket.signsParts = true
          return sent(true)
        })
        .catch((thrown: unknown) => {
          if (!(thrown instanceof S3Error && thrown.doubtful)) throw thrown
          const ETag = `"${createHash('md5').update(body).digest('hex')}"`
          doubtful.set(number, { part: { PartNumber: number, ETag, ...sum }, bytes: body.length })
          throw thrown
        })
      parts[number - 1] = { PartNumber: number, ETag: answer.ETag, ...sum }
      sizes.set(number, body.length)
    },

    async complete(signal) {
      const { count, bytes } = leadingParts(sizes)
      if (count === 0) {
        throw new StoreError('permanent', cannot(`complete ${bucket.url}/${key}`, 'its first part is missing').message)
      }
      const make = async (some: readonly CompletedPart[]) => {
        const input = { ...upload, IfNoneMatch: '*', MultipartUpload: { Parts: [...some] } }
        try {
          await request(
            bucket,
            { verb: 'complete', key, permission: PERMISSION },
            (client, options) => client.send(new CompleteMultipartUploadCommand(input), options),
            signal,
          )
        } catch (thrown) {
          if (!(thrown instanceof S3Error)) throw thrown
          // After a lost answer: the object is there (S3), or the upload that became it is no more (RGW).
          if (completing && (thrown.failure === 'exists' || thrown.code === 'NoSuchUpload')) return
          completing ||= thrown.doubtful
          throw thrown
        }
      }
      try {
        await make(parts.slice(0, count))
        return stored(bucket, key, bytes)
      } catch (thrown) {
        // Ceph's gateway wants all that it has. A part without encryption by KMS has the ETag that we know.
        if (!(thrown instanceof S3Error && thrown.code === 'InvalidPart' && doubtful.size > 0)) throw thrown
        const arrived = new Map(sizes)
        const all = [...parts]
        for (const [number, { part, bytes }] of doubtful) {
          all[number - 1] ??= part
          if (!sizes.has(number)) arrived.set(number, bytes)
        }
        const leading = leadingParts(arrived)
        await make(all.slice(0, leading.count))
        return stored(bucket, key, leading.bytes)
      }
    },
  }
}

/**
 * A part whose body is not in the request's signature (SigV4, UNSIGNED-PAYLOAD), which saves a second sha256 over everything:
 * the one in the closing manifest, which is signed whole, tells of any change.
 */
function unsigned(input: UploadPartCommandInput): UploadPartCommand {
  const command = new UploadPartCommand(input)
  command.middlewareStack.add(
    (next) => (handed) => {
      Object.assign((handed.request as { headers: object }).headers, { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' })
      return next(handed)
    },
    { step: 'build', name: 'lastgaspLeavesTheBodyUnsigned' },
  )
  return command
}
