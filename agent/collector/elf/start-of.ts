import type { ReadAt } from './core-layout.ts'

/** The headers of 100,000 mappings, the notes and the first page: as much of a stream's start as is kept for a look at it. */
export const START_BYTES = 8 * 1024 * 1024

/** The start of a stream that passes by, and how long it is: for formats that tell at their beginning how long they are. */
export class StartOf {
  readonly #held: Buffer[] = []
  #bytes = 0

  /** Keeps what belongs to the start. The chunk must not be written to afterwards. */
  push(chunk: Buffer): void {
    if (this.#bytes < START_BYTES) this.#held.push(chunk.subarray(0, START_BYTES - this.#bytes))
    this.#bytes += chunk.length
  }

  /** Bytes that have passed. */
  get bytes(): number {
    return this.#bytes
  }

  /** Reads in what was kept. */
  reader(): ReadAt {
    const start = Buffer.concat(this.#held)
    return async (at, length) => start.subarray(at, at + length)
  }
}
