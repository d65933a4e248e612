import type { Keyring } from '../../seal/keyring.ts'
import {
  CHUNK_BYTES,
  type ChunkPlace,
  chunkAtStored,
  chunkPlace,
  NONCE_BYTES,
  payloadKey,
  sealChunk,
} from '../../seal/payload.ts'
import { readHeader } from '../../seal/unseal.ts'
import { Intake } from '../../streams/intake.ts'

/** The beginning of a sealed object, before its first chunk, and what its chunks are sealed with. */
export interface SealHead {
  readonly bytes: Buffer
  readonly key: Buffer
}

/** Reads as little of a sealed object as its beginning takes. Throws SealError. */
export async function readSealHead(
  stored: AsyncIterable<Buffer>,
  keyring: Keyring,
  signal: AbortSignal,
): Promise<SealHead> {
  await using intake = new Intake(stored, signal)
  const header = await readHeader((length) => intake.peek(length))
  const bytes = await intake.take(header.bytes + NONCE_BYTES)
  return { bytes, key: payloadKey(keyring.open(header), bytes.subarray(header.bytes)) }
}

/**
 * The chunk at which to go on, when `plainBytes` of an object of `storedBytes` are here: whole chunks only, and never
 * past the last one, which must be seen to know that it is the last.
 */
export function keptChunks({ bytes: { length } }: SealHead, plainBytes: number, storedBytes: number): ChunkPlace {
  const here = chunkPlace(length, plainBytes)
  const last = chunkAtStored(length, storedBytes - 1)
  return here.index < last.index ? here : last
}

/** The stored bytes that whole chunks of content came from: sealing with the same key is the same again. */
export async function* resealed({ bytes, key }: SealHead, content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield bytes
  let index = 0
  for await (const buffer of content) {
    for (let at = 0; at < buffer.length; at += CHUNK_BYTES) {
      yield Buffer.concat(sealChunk(key, index, false, buffer.subarray(at, at + CHUNK_BYTES)))
      index += 1
    }
  }
}
