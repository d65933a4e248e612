import type { Lease } from './lease.ts'

/** Lent memory that is filled from its beginning on. Goes on as a lease of what is in it. */
export class Filling {
  readonly #memory: Lease
  #filled = 0

  constructor(memory: Lease) {
    this.#memory = memory
  }

  get isFull(): boolean {
    return this.#filled === this.#memory.bytes.length
  }

  /** Takes as much of the bytes, from `start` on, as there is room for: so many. */
  fill(bytes: Buffer, start = 0): number {
    const copied = bytes.copy(this.#memory.bytes, this.#filled, start)
    this.#filled += copied
    return copied
  }

  /** What is in it. Nothing is filled in after that. */
  lease(): Lease {
    return { ...this.#memory, bytes: this.#memory.bytes.subarray(0, this.#filled) }
  }
}
