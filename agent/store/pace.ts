import { Window } from './window.ts'

/** Fewer bytes than this tell of round trips, not of a rate. */
const TELLING_BYTES = 64 * 1024
/** So many in one request tell what one connection carries. */
const LARGE_BYTES = 1024 * 1024
/** What was seen counts half after so many ms of work. */
const HALF_MS = 2_000

/** Bytes on their way to a store. The first of the calls counts. */
export interface Sent {
  /** The store has answered for them. */
  landed(): void
  /** They are given up, and nobody knows how far they came. */
  lost(): void
  /** They are given up because nothing came of them: the rate may be less than was thought. */
  silent(): void
}

/**
 * How fast a store takes what it is sent, over all that is under way to it. Only what it has answered for counts: what was
 * merely written may lie in a buffer on this side of the slowest link. `now` is a monotonic clock in ms.
 */
export class Pace {
  /** How many parts are under way at a time. */
  readonly window: Window
  readonly #now: () => number
  #held = 0
  #underWay = 0
  /** Up to when the time that something was under way has been counted. */
  #counted = 0
  /** Shortest time to the answer of a small request, ms: so much has nothing to do with bytes. */
  #shortest = Number.POSITIVE_INFINITY
  /** Bytes that landed, and the ms in which something was under way: since the last look, and in all. */
  #fresh = { bytes: 0, ms: 0 }
  #seen = { bytes: 0, ms: 0 }
  /** Bytes per ms of one large request beside the others, of late. */
  #each: number | undefined
  /** What silence has told since: no more bytes per second than that. */
  #most = Number.POSITIVE_INFINITY

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
    this.window = new Window(now)
  }

  /** Bytes under way. */
  get held(): number {
    return this.#held
  }

  /** Bytes per second; undefined while too little has landed. */
  get rate(): number | undefined {
    return this.#seen.bytes === 0 ? undefined : (this.#seen.bytes * 1000) / this.#seen.ms
  }

  /** The rate, or what a silence since then leaves of it: to wait by, for a store that is merely slow. */
  get cautiousRate(): number | undefined {
    return this.rate && Math.min(this.rate, this.#most)
  }

  /**
   * How many bytes that one request sends now land within `ms`, behind all that is under way; undefined while nobody knows.
   * Many connections may be much faster than each of them.
   */
  bytesWithin(ms: number): number | undefined {
    if (this.rate === undefined) return undefined
    const moving = ms - this.#roundTrip
    const together = (moving * this.rate) / 1000 - this.#held
    return Math.max(0, Math.floor(Math.min(together, moving * (this.#each ?? Number.POSITIVE_INFINITY))))
  }

  /** Why no more fits, where that is no matter of time. */
  shortfall(): Error | undefined {
    return undefined
  }

  /** Sends `bytes` by `work`, which resolves when they have landed. */
  async during<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    const sent = this.send(bytes)
    try {
      const done = await work()
      sent.landed()
      return done
    } finally {
      sent.lost()
    }
  }

  send(bytes: number): Sent {
    const began = this.#count()
    this.#held += bytes
    this.#underWay += 1
    let open = true
    const end = (note: (ms: number) => void) => () => {
      if (!open) return
      open = false
      note(this.#count() - began)
      this.#held -= bytes
      this.#underWay -= 1
      // Little, and then nothing: that was a round trip.
      if (this.#underWay === 0) this.#fresh = { bytes: 0, ms: 0 }
    }
    return {
      landed: end((ms) => this.#landed(bytes, ms)),
      lost: end(() => {}),
      silent: end((ms) => {
        this.#fresh = { bytes: 0, ms: 0 }
        if (this.#held >= TELLING_BYTES) this.#most = (this.#held * 1000) / ms
      }),
    }
  }

  #landed(bytes: number, ms: number): void {
    if (bytes < TELLING_BYTES) this.#shortest = Math.min(this.#shortest, ms)
    if (bytes >= LARGE_BYTES) {
      const each = bytes / Math.max(1, ms - this.#roundTrip)
      this.#each = ((this.#each ?? each) + each) / 2
    }
    this.#fresh.bytes += bytes
    if (this.#fresh.bytes < TELLING_BYTES) return
    const weight = 0.5 ** (this.#fresh.ms / HALF_MS)
    this.#seen = {
      bytes: this.#seen.bytes * weight + this.#fresh.bytes,
      ms: this.#seen.ms * weight + Math.max(1, this.#fresh.ms - this.#roundTrip),
    }
    this.#fresh = { bytes: 0, ms: 0 }
    this.#most = Number.POSITIVE_INFINITY
  }

  get #roundTrip(): number {
    return Number.isFinite(this.#shortest) ? this.#shortest : 0
  }

  /** Counts the time up to now, and gives it. */
  #count(): number {
    const now = this.#now()
    if (this.#underWay > 0) this.#fresh.ms += now - this.#counted
    this.#counted = now
    return now
  }
}
