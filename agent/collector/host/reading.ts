import { blocksAtOnce } from '../../frames/encode.ts'
import { type Lease, unlent } from '../../streams/lease.ts'
import { Pool } from '../../streams/pool.ts'
import type { ItemIdentity } from '../../words/evidence.ts'

/** Content on its way out. */
export interface Reading extends AsyncDisposable {
  /** Any size, at most READ_BYTES each. Whoever reads into what is lent waits until some of it has come back. */
  readonly chunks: AsyncIterable<Lease>
  /** After the last chunk: whether something is missing, and what more is known of the item. */
  outcome(): Outcome
}

export interface Outcome {
  /** Why the content is not all of it, where it is not ("the file shrank while it was read"). */
  readonly truncated?: string
  /** What was learnt while reading; merged over the inventory's identity. */
  readonly identity?: ItemIdentity
}

/** Largest chunk a reading yields. One zstd block's worth, so that a block is one read: see frames/FRAMES.md. */
export const READ_BYTES = 4 * 1024 * 1024

/** What one reading reads into, `bytes` at a time: as much as the frames hold at once, and what is read ahead of them. */
export function readingPool(bytes = READ_BYTES): Pool {
  return new Pool(bytes, blocksAtOnce() + 1)
}

/** Bytes that are in memory in any case, in chunks. */
export function* inChunks(bytes: Buffer): Generator<Lease, void, void> {
  for (let at = 0; at < bytes.length; at += READ_BYTES) yield unlent(bytes.subarray(at, at + READ_BYTES))
}
