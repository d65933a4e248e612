import { closeSync, openSync } from 'node:fs'

/** Costs nothing to open, and exists wherever Node does. */
const NOTHING = '/dev/null'

/**
 * Descriptors that are held open for a host that has none left: all are in use, system-wide (ENFILE) or by our own limit
 * (EMFILE). One is closed right before something else is opened in its place, and opened again when that is possible.
 */
export class DescriptorReserve implements Disposable {
  readonly #size: number
  readonly #held: number[] = []

  constructor(size: number) {
    this.#size = size
    this.refill()
  }

  get held(): number {
    return this.#held.length
  }

  /** Closes `count` of them, as far as there are so many: to be called in the same breath as what opens something. */
  free(count = 1): void {
    for (const descriptor of this.#held.splice(-count)) closeSync(descriptor)
  }

  /** Takes back what it can: when something was opened after all, or closed. */
  refill(): void {
    try {
      while (this.#held.length < this.#size) this.#held.push(openSync(NOTHING, 'r'))
    } catch {
      // There are none now. Whatever is closed next leaves one.
    }
  }

  /** Does work that opens several files, one after the other or side by side, with all of them. */
  async lend<T>(work: () => Promise<T>): Promise<T> {
    this.free(this.#held.length)
    try {
      return await work()
    } finally {
      this.refill()
    }
  }

  [Symbol.dispose](): void {
    this.free(this.#size)
  }
}
