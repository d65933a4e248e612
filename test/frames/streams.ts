import type { Lease } from '../../agent/streams/lease.ts'
import { taken } from '../streams/poisoned.ts'

/** What tests of streams share: buffers in, streams out, and back. */

export async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer, void, void> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

export async function* thenThrow(bytes: Buffer, size: number, error: Error): AsyncGenerator<Buffer, void, void> {
  yield* inPieces(bytes, size)
  throw error
}

export async function bytesOf(stream: AsyncIterable<Buffer | Lease>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(stream, taken))
}

/** All that a stream gives before it ends or fails, and the failure. */
export async function prefixOf(stream: AsyncIterable<Buffer | Lease>): Promise<{ bytes: Buffer; error: unknown }> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of stream) chunks.push(taken(chunk))
    return { bytes: Buffer.concat(chunks), error: undefined }
  } catch (error) {
    return { bytes: Buffer.concat(chunks), error }
  }
}

/** A file in memory, read as range.ts wants it. */
export function readerOf(bytes: Buffer): (from: number, length: number) => Promise<Buffer> {
  return async (from, length) => {
    if (from < 0) throw new Error(`read at ${from}`)
    return bytes.subarray(from, from + length)
  }
}

/** Pseudo-random bytes, the same for the same seed: xorshift32. */
export function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  let state = 2 * seed + 1
  for (let at = 0; at < length; at += 1) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[at] = state >>> 24
  }
  return bytes
}

/** Content that shrinks well and has no two equal blocks: numbered lines. */
export function lines(length: number): Buffer {
  const text: string[] = []
  for (let at = 0, number = 0; at < length; number += 1) {
    const line = `line ${number} of what the host said\n`
    text.push(line)
    at += line.length
  }
  return Buffer.from(text.join(''), 'latin1').subarray(0, length)
}
