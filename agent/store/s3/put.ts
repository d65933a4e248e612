import { crc32 } from 'node:zlib'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { checkKey } from '../key.ts'
import type { Stored } from '../store.ts'
import type { Bucket } from './client.ts'
import { request } from './request.ts'

/** Creates an object in one request. */
export async function putObject(bucket: Bucket, key: string, body: Buffer, signal: AbortSignal): Promise<Stored> {
  checkKey(key)
  const input = { ...place(bucket, key), Body: body, IfNoneMatch: '*', ...checksum(bucket, body) }
  await request(
    bucket,
    { verb: 'store', key, permission: 's3:PutObject' },
    (client, options) => client.send(new PutObjectCommand(input), options),
    signal,
  )
  return stored(bucket, key, body.length)
}

/** The fields that every request for one object begins with. */
export function place({ name, prefix, settings }: Bucket, key: string) {
  const owner = settings.owner === undefined ? {} : { ExpectedBucketOwner: settings.owner }
  return { Bucket: name, Key: prefix + key, ...owner }
}

/**
 * The checksum of a body as S3 wants it (base64 of the big-endian CRC-32), unless the settings ask for none. By us and
 * not by the SDK, because completing an upload has to repeat those of its parts.
 */
export function checksum({ settings }: Bucket, body: Buffer): { ChecksumCRC32?: string } {
  if (settings.checksums === 'required') return {}
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc32(body))
  return { ChecksumCRC32: bytes.toString('base64') }
}

/** What is known of an object that has been stored. */
export function stored({ clockSkew }: Bucket, key: string, bytes: number): Stored {
  return clockSkew === undefined ? { key, bytes } : { key, bytes, clockSkew }
}
