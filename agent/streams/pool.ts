import { abandonable } from '../words/deadline.ts'
import { free } from './free.ts'
import { type Lease, leased } from './lease.ts'

/**
 * Buffers of one size that go round: made when they are first needed, `most` of them, and lent again once they have been released. Made for
 * one thing that is taken and disposed of with it: then it lends no more, and frees what is there and what comes back later.
 */
export class Pool implements Disposable {
  readonly #size: number
  readonly #most: number
  readonly #there: Buffer[] = []
  readonly #waiting = new Set<() => void>()
  #made = 0
  #closed = false

  /** `size` in bytes. Who waits for a lease while holding `most` of them waits for itself. */
  constructor(size: number, most: number) {
    this.#size = size
    this.#most = most
  }

  /** A lease of a whole buffer, as it was left; waits while all are out. Throws the signal's reason, or that the pool is closed. */
  async lease(signal: AbortSignal): Promise<Lease> {
    for (;;) {
      signal.throwIfAborted()
      if (this.#closed) throw new Error('its buffers are gone')
      const lease = this.leaseNow()
      if (lease !== undefined) return lease
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiting.add(resolve)
      try {
        await abandonable(promise, signal)
      } finally {
        this.#waiting.delete(resolve)
      }
    }
  }

  /** A lease of a whole buffer, if not all are out. */
  leaseNow(): Lease | undefined {
    if (this.#closed) return undefined
    const buffer = this.#there.pop() ?? this.#make()
    return buffer && leased(buffer, () => this.#comeBack(buffer))
  }

  [Symbol.dispose](): void {
    this.#closed = true
    for (const { buffer } of this.#there.splice(0)) free(buffer)
    this.#wake()
  }

  /** Memory of its own, which costs nothing before it is written to. */
  #make(): Buffer | undefined {
    if (this.#made === this.#most) return undefined
    this.#made += 1
    return Buffer.allocUnsafeSlow(this.#size)
  }

  #comeBack(buffer: Buffer): void {
    if (this.#closed) free(buffer.buffer)
    else this.#there.push(buffer)
    this.#wake()
  }

  /** All of them look again: one whose signal has ended meanwhile must not keep the buffer from the next. */
  #wake(): void {
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }
}
