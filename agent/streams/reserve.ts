import { closeSync, openSync } from 'node:fs'

/** Costs nothing to open, and exists wherever Node does. */
const NOTHING = '/dev/null'
/** Files that are open at a time in what a reserve is lent for: where so many can be had, it stays for worse times. */
const SPARE = 4

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

  /**
   * Does work that opens several files, one after the other or side by side: with all of these where the host has no others. Where it has, they
   * stay closed to everybody: what is lent may be gone when the host runs out meanwhile.
   */
  async lend<T>(work: () => Promise<T>): Promise<T> {
    if (!areThereOthers()) this.free(this.#held.length)
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

function areThereOthers(): boolean {
  const others: number[] = []
  try {
    while (others.length < SPARE) others.push(openSync(NOTHING, 'r'))
    return true
  } catch {
    return false
  } finally {
    for (const descriptor of others) closeSync(descriptor)
  }
}
