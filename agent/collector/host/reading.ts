import type { ItemIdentity } from '../../words/evidence.ts'

/**
 * Content on its way out. `chunks` are owned by the consumer once yielded; any size, at most READ_BYTES each. One that it is
 * done with it may hand back by `next(chunk)`: whoever reads a file reads into it again.
 */
export interface Reading extends AsyncDisposable {
  readonly chunks: AsyncIterable<Buffer>
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
