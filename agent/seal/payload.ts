/**
 * The payload of an age file: c2sp.org/age, section "Payload". One chunk sealed or opened, and where chunks lie.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto'
import { derive } from './file-key.ts'

/** Plain bytes in every chunk but the last. */
export const CHUNK_BYTES = 64 * 1024
export const TAG_BYTES = 16
export const STORED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES
/** The payload begins with a nonce; the chunks follow. */
export const NONCE_BYTES = 16
const CIPHER = 'chacha20-poly1305'
const CHUNK_NONCE_BYTES = 12

export function payloadKey(fileKey: Buffer, nonce: Buffer): Buffer {
  return derive(fileKey, nonce, 'payload')
}

/** Ciphertext and tag of chunk number `index`, to be stored one after the other. */
export function sealChunk(key: Buffer, index: number, last: boolean, chunk: Buffer): [Buffer, Buffer] {
  const cipher = createCipheriv(CIPHER, key, chunkNonce(index, last), { authTagLength: TAG_BYTES })
  const sealed = cipher.update(chunk)
  cipher.final()
  return [sealed, cipher.getAuthTag()]
}

/** The plain chunk, or undefined where it is not authentic in this place. */
export function openChunk(key: Buffer, index: number, last: boolean, stored: Buffer): Buffer | undefined {
  if (stored.length < TAG_BYTES) return undefined
  const cipher = createDecipheriv(CIPHER, key, chunkNonce(index, last), { authTagLength: TAG_BYTES })
  cipher.setAuthTag(stored.subarray(-TAG_BYTES))
  const chunk = cipher.update(stored.subarray(0, -TAG_BYTES))
  try {
    cipher.final()
    return chunk
  } catch {
    return undefined
  }
}

/** A chunk, and where it lies in the stored file. Bytes. */
export interface ChunkPlace {
  readonly index: number
  readonly storedOffset: number
  readonly plainOffset: number
}

/** The chunk that holds a byte of content. `payloadOffset`: size of header and nonce, where the first chunk lies. */
export function chunkPlace(payloadOffset: number, plainOffset: number): ChunkPlace {
  return placeOfChunk(payloadOffset, Math.floor(plainOffset / CHUNK_BYTES))
}

/** The chunk in which a byte of the stored file lies: what a lost part of it costs. */
export function chunkAtStored(payloadOffset: number, storedOffset: number): ChunkPlace {
  return placeOfChunk(payloadOffset, Math.max(0, Math.floor((storedOffset - payloadOffset) / STORED_CHUNK_BYTES)))
}

/** Size of the file that holds so much content. */
export function storedBytes(payloadOffset: number, plainBytes: number): number {
  return payloadOffset + plainBytes + Math.max(1, Math.ceil(plainBytes / CHUNK_BYTES)) * TAG_BYTES
}

/** Most content that a file of this size can hold: exact for a whole one. */
export function plainBytes(payloadOffset: number, stored: number): number {
  const payload = Math.max(0, stored - payloadOffset)
  const rest = payload % STORED_CHUNK_BYTES
  return Math.floor(payload / STORED_CHUNK_BYTES) * CHUNK_BYTES + Math.max(0, rest - TAG_BYTES)
}

function placeOfChunk(payloadOffset: number, index: number): ChunkPlace {
  return { index, storedOffset: payloadOffset + index * STORED_CHUNK_BYTES, plainOffset: index * CHUNK_BYTES }
}

/** Eleven bytes of counter, big endian, and one that tells the last chunk. 48 bits of counter reach 2^64 bytes. */
function chunkNonce(index: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(CHUNK_NONCE_BYTES)
  nonce.writeUIntBE(index, 5, 6)
  nonce[CHUNK_NONCE_BYTES - 1] = last ? 1 : 0
  return nonce
}
