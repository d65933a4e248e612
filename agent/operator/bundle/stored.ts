import type { Hash } from 'node:crypto'
import type { Archive } from '../../store/store.ts'
import type { HeldObject } from './holdings.ts'

/**
 * The stored bytes of an artifact from byte `from` on, one object after the other. Ends early where the store has
 * less than the receipt says; never gives more.
 */
export async function* storedBytes(
  archive: Archive,
  prefix: string,
  objects: readonly HeldObject[],
  from: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  let begin = 0
  for (const { name, bytes } of objects) {
    const at = Math.max(0, from - begin)
    begin += bytes
    if (at >= bytes) continue
    let left = bytes - at
    for await (const chunk of await archive.read(prefix + name, at, signal)) {
      signal.throwIfAborted()
      yield chunk.subarray(0, left)
      left -= Math.min(left, chunk.length)
      if (left === 0) break
    }
    if (left > 0) return
  }
}

/** The same chunks, counted into a hash as they pass. */
export async function* hashed(chunks: AsyncIterable<Buffer>, hash: Hash): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    hash.update(chunk)
    yield chunk
  }
}
