import { abandonable } from '../words/deadline.ts'
import { PART_BYTES } from './part-bytes.ts'

/** From the second part on: enough to fill a link with a round trip. */
const FEWEST = 2
/** 64 MiB: what the daemon may have under way within its memory limit. */
export const MOST_PARTS = 8
/** Parts after which a size is doubted whose double was of no use; twice as many after each trial in vain, up to the last. */
const FIRST_DOUBT = 4
const LAST_DOUBT = 32

/** ms in which what is sent after the first part has to land even if all of it shares the rate that the first one had alone. */
const SOON_MS = 2_000

/**
 * ms: a first part that lands within them has had 80 MiB a second on one connection. Two at a time keep such a road full, one sent while
 * the other is answered; a store on the same processors is slower with more.
 */
const AT_ONCE_MS = 100

/** How much more has to land with twice as many parts: far less than twice as much, for rates are uneven. */
const GAIN = 1.2
/** A share of the rate that a size had, below which it is no more what it was. */
const LOST = 0.5

/** A size, and the bytes per ms that landed with it, where that is known. */
interface Size {
  readonly size: number
  readonly rate: number | undefined
}

/** Room for one part. */
export interface Place {
  /** The part is on its way. */
  sends(bytes: number): void
  /** It has landed. Frees the place. */
  landed(): void
  /** Frees the place, if that is still to do. */
  leave(): void
}

/**
 * How many parts are under way to a store, of all uploads together. Grows while somebody waits for room and more parts at a
 * time make more bytes land, as a congestion window does: a larger one is tried, and what it has not brought is taken back.
 * `now` is a monotonic clock in ms.
 */
export class Window {
  readonly #now: () => number
  #size = FEWEST
  #taken = 0
  readonly #waiting = new Set<() => void>()
  /** Bytes under way, and the sum of them over time (bytes × ms) up to `counted`. */
  #held = 0
  #area = 0
  #counted = 0
  /** The size that the present one is measured against, and the bytes per ms that landed with it. */
  #before: Size | undefined = { size: 1, rate: undefined }
  /** What the parts of this size tell, bytes per ms. */
  #told: number[] = []
  #rate: number | undefined
  /** Parts until a larger size may be tried. */
  #rest = 0
  #doubt = FIRST_DOUBT

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  get size(): number {
    return this.#size
  }

  /** Waits until there is room for a part, below `limit` of its own; throws the signal's reason when that ends first. */
  async room(limit: () => number, signal: AbortSignal): Promise<Place> {
    for (;;) {
      signal.throwIfAborted()
      if (this.#taken < limit() && (this.#taken < this.#size || this.#tryMore())) return this.#take()
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiting.add(resolve)
      await abandonable(promise, signal).finally(() => this.#waiting.delete(resolve))
    }
  }

  /** A part has failed: the store, or the way there, may have had too much. */
  fell(): void {
    this.#before = undefined
    this.#settle(this.#size / 2)
  }

  #take(): Place {
    this.#taken += 1
    let open = true
    let sent: { readonly bytes: number; readonly at: number; readonly area: number } | undefined
    const leave = () => {
      if (!open) return
      open = false
      this.#count()
      this.#held -= sent?.bytes ?? 0
      this.#taken -= 1
      this.#wake()
    }
    return {
      sends: (bytes) => {
        sent = { bytes, at: this.#count(), area: this.#area }
        this.#held += bytes
      },
      landed: () => {
        if (open && sent?.bytes === PART_BYTES) {
          const ms = Math.max(1, this.#count() - sent.at)
          this.#learn((this.#area - sent.area) / ms, ms)
        }
        leave()
      },
      leave,
    }
  }

  /** A part has landed `ms` after it was sent, with so many bytes under way meanwhile on average: by Little's law, bytes per ms. */
  #learn(held: number, ms: number): void {
    const before = this.#before
    const parts = held / PART_BYTES
    const middle = before === undefined ? this.#size - 0.5 : (before.size + this.#size) / 2
    if (parts < middle) {
      // Fewer, as while the source is slow, tell nothing of the size; the first part of all has been sent alone.
      if (before !== undefined && before.rate === undefined) this.#begin(held / ms, ms)
      return
    }
    this.#told.push(held / ms)
    if (this.#told.length < (before === undefined ? this.#size : Math.max(before.size, this.#size / 2))) return
    const rate = this.#told.reduce((sum, one) => sum + one, 0) / this.#told.length
    this.#rest -= this.#told.length
    this.#told = []
    this.#judge(rate, before)
  }

  /** The first part has landed. Where that was soon, beginning with two would cost a large part of a short upload. */
  #begin(rate: number, ms: number): void {
    const soon = ms < AT_ONCE_MS ? FEWEST : Math.floor(SOON_MS / ms)
    this.#resize(Math.min(Math.max(this.#size, soon), MOST_PARTS / 2))
    this.#before = { size: 1, rate }
  }

  #judge(rate: number, before: Size | undefined): void {
    const known = this.#rate
    this.#rate = rate
    this.#before = undefined
    if (before === undefined) {
      if (known !== undefined && rate < known * LOST) this.#settle((this.#size * rate) / known)
      return
    }
    const gain = before.rate === undefined ? GAIN : rate / before.rate
    if (gain < GAIN) this.#settle(before.size * Math.min(1, gain))
    else this.#doubt = FIRST_DOUBT
  }

  /** A smaller size does as well. */
  #settle(size: number): void {
    this.#rest = this.#doubt
    this.#doubt = Math.min(2 * this.#doubt, LAST_DOUBT)
    this.#resize(Math.max(FEWEST, Math.round(size)))
  }

  #tryMore(): boolean {
    if (this.#before !== undefined || this.#rest > 0 || this.#rate === undefined || this.#size >= MOST_PARTS)
      return false
    this.#before = { size: this.#size, rate: this.#rate }
    this.#resize(Math.min(2 * this.#size, MOST_PARTS))
    return true
  }

  #resize(size: number): void {
    this.#rate = undefined
    this.#size = size
    this.#told = []
    this.#wake()
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve()
  }

  #count(): number {
    const now = this.#now()
    this.#area += this.#held * (now - this.#counted)
    this.#counted = now
    return now
  }
}
