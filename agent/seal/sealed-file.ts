import type { ReadAt } from '../frames/range.ts'
import type { Keyring } from './keyring.ts'
import {
  CHUNK_BYTES,
  chunkPlace,
  NONCE_BYTES,
  openChunk,
  payloadKey,
  plainBytes as plainBytesIn,
  STORED_CHUNK_BYTES,
} from './payload.ts'
import { cut, damaged, readHeader } from './unseal.ts'

/** What becomes of chunks that are not authentic: an error, or zeros of the same length in their place. */
export type OnDamage = 'fail' | 'zeros'

/** A sealed file that can be read anywhere: give `readAt` and `plainBytes` to frames/range.ts or frames/find.ts. */
export interface SealedFile {
  /** Size of the content. */
  readonly plainBytes: number
  /** Where the first chunk lies: what `chunkPlace` counts from. */
  readonly payloadOffset: number
  /** Reads content, not stored bytes. */
  readonly readAt: ReadAt
}

/**
 * Opens a sealed file of `size` bytes for reading anywhere. With `fail` its end is checked at once (`cut`), as age
 * demands of whoever relies on the size. With `zeros` a file with holes or without an end opens as well, as long as
 * its header is there: what is lost reads as zeros, and frames/find.ts finds the frames between.
 */
export async function openSealed(
  readAt: ReadAt,
  size: number,
  keyring: Keyring,
  onDamage: OnDamage,
  signal: AbortSignal,
): Promise<SealedFile> {
  const header = await readHeader((length) => readAt(0, Math.min(length, size), signal))
  const fileKey = keyring.open(header)
  const nonce = await readAt(header.bytes, NONCE_BYTES, signal)
  if (nonce.length < NONCE_BYTES) throw cut(0)
  const key = payloadKey(fileKey, nonce)
  const payloadOffset = header.bytes + NONCE_BYTES
  const plainBytes = plainBytesIn(payloadOffset, size)
  const lastIndex = Math.max(0, Math.ceil((size - payloadOffset) / STORED_CHUNK_BYTES) - 1)

  const open = (index: number, stored: Buffer): Buffer => {
    const chunk = openChunk(key, index, index === lastIndex, stored)
    if (chunk !== undefined) return chunk
    const before = index * CHUNK_BYTES
    if (onDamage === 'zeros') {
      const cutHere = index === lastIndex ? openChunk(key, index, false, stored) : undefined
      return cutHere ?? Buffer.alloc(Math.min(CHUNK_BYTES, plainBytes - before))
    }
    throw index === lastIndex ? cut(before) : damaged(`its chunk ${index} is not authentic`, before)
  }
  const readPlain: ReadAt = async (from, length, signal) => {
    const end = Math.min(from + length, plainBytes)
    if (from >= end) return Buffer.alloc(0)
    const first = chunkPlace(payloadOffset, from)
    const behind = chunkPlace(payloadOffset, end - 1).index + 1
    const stored = await readAt(first.storedOffset, (behind - first.index) * STORED_CHUNK_BYTES, signal)
    const chunks = Array.from({ length: behind - first.index }, (_, nth) => {
      return open(first.index + nth, stored.subarray(nth * STORED_CHUNK_BYTES, (nth + 1) * STORED_CHUNK_BYTES))
    })
    return Buffer.concat(chunks).subarray(from - first.plainOffset, end - first.plainOffset)
  }

  if (onDamage === 'fail') {
    const last = chunkPlace(payloadOffset, lastIndex * CHUNK_BYTES)
    open(lastIndex, await readAt(last.storedOffset, STORED_CHUNK_BYTES, signal))
  }
  return { plainBytes, payloadOffset, readAt: readPlain }
}
