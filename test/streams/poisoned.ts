import { ZEROS } from '../../agent/frames/zeros.ts'
import { type Lease, unlent } from '../../agent/streams/lease.ts'

/** What is looked at after its release is this, over and over. */
export const POISON = 0xdb

/** The same lease, whose bytes are overwritten when it is released; to do so twice is an error here. */
export function poisoned({ bytes, release }: Lease): Lease {
  let out = true
  return {
    bytes,
    release() {
      if (!out) throw new Error(`a lease of ${bytes.length} bytes is released twice`)
      out = false
      bytes.fill(POISON)
      release()
    },
  }
}

/** A stream, each piece lent in memory of its own. */
export async function* lent(stream: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<Lease, void, void> {
  for await (const piece of stream) yield piece === ZEROS ? unlent(ZEROS) : poisoned(unlent(Buffer.concat([piece])))
}

/** What came, for good: what was lent is copied and released. */
export function taken(piece: Buffer | Lease): Buffer {
  if (Buffer.isBuffer(piece)) return piece
  const copy = Buffer.concat([piece.bytes])
  piece.release()
  return copy
}

export async function* allTaken(stream: AsyncIterable<Buffer | Lease>): AsyncGenerator<Buffer, void, void> {
  for await (const piece of stream) yield taken(piece)
}
