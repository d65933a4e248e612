import { overlaps, type Range } from '../words/ranges.ts'
import { CHUNK_BYTES, chunkAtStored, plainBytes } from './payload.ts'

/** What is known to be missing of a stored file, sealed or not: its holes, and what they cost of its content. */
export class Lost {
  readonly #holes: readonly Range[]
  #payloadOffset: number | undefined

  constructor(holes: readonly Range[]) {
    this.#holes = holes
  }

  /** Where the first chunk lies, once the header of a sealed file has been read. */
  opened(payloadOffset: number): void {
    this.#payloadOffset = payloadOffset
  }

  /** Whether there is a hole in these bytes of the stored file. */
  isStored(from: number, to: number): boolean {
    return overlaps(this.#holes, from, to)
  }

  /** Most content that a stored file of this size can hold. */
  bytesOf(stored: number): number {
    return this.#payloadOffset === undefined ? stored : plainBytes(this.#payloadOffset, stored)
  }

  /** The stretches of the content that are missing: of a sealed file, all chunks that a hole touches. */
  get content(): readonly Range[] {
    const payload = this.#payloadOffset
    if (payload === undefined) return this.#holes
    return this.#holes.map(({ from, to }) => ({
      from: chunkAtStored(payload, from).plainOffset,
      to: chunkAtStored(payload, to - 1).plainOffset + CHUNK_BYTES,
    }))
  }
}
