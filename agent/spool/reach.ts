import type { Pace } from '../store/pace.ts'
import { StoreError } from '../store/store.ts'
import type { Clock } from '../words/clock.ts'
import { abandonable } from '../words/deadline.ts'

/** How long a store may say nothing before it is out of reach. */
export interface Patience {
  /** ms, beside the time that bytes take on their way */
  readonly silence: number
  /** ms, with that time, of a store of which nothing is known yet */
  readonly most: number
  /** ms until the end of the capture. Half of what was left when the silence began is for the disk. */
  left(): number
  /** Ends when the host is forced down: then that half alone counts. */
  readonly hurry: AbortSignal
}

/** How often to look at the time. */
const LOOK_MS = 100
/** Bytes per second of a link of which nothing is known yet. */
const SLOW = 64 * 1024

/** Whether a store can be reached, judged by what it answers: once it is out of reach, it stays so. */
export class Reach {
  readonly #patience: Patience
  readonly #pace: Pace
  readonly #clock: Clock
  readonly #away = new AbortController()
  /** Of those that wait for an answer, since when. */
  readonly #waiting = new Set<{ readonly since: number }>()
  #answered = Number.NEGATIVE_INFINITY
  #callOff = () => {}

  constructor(patience: Patience, pace: Pace, clock: Clock) {
    this.#patience = patience
    this.#pace = pace
    this.#clock = clock
  }

  get isAway(): boolean {
    return this.#away.signal.aborted
  }

  /** Does `work` as long as the store is within reach and the signal has not ended; whatever the store answers shows that it is. */
  async during<T>(work: (signal: AbortSignal) => Promise<T>, parent: AbortSignal): Promise<T> {
    const signal = AbortSignal.any([parent, this.#away.signal])
    const wait = { since: this.#clock.now() }
    if (this.#waiting.size === 0) this.#watch()
    this.#waiting.add(wait)
    try {
      const done = await abandonable(work(signal), signal)
      this.#answered = this.#clock.now()
      return done
    } catch (thrown) {
      if (thrown instanceof StoreError && thrown.failure !== 'transient') this.#answered = this.#clock.now()
      throw thrown
    } finally {
      this.#waiting.delete(wait)
      if (this.#waiting.size === 0) this.#callOff()
    }
  }

  /** Looks at the time, and again. Keeps the process alive: what is waited for may hold nothing that does. */
  #watch(): void {
    this.#callOff = this.#clock.after(LOOK_MS, () => {
      this.#look()
      this.#watch()
    })
  }

  #look(): void {
    const [first] = this.#waiting
    if (first === undefined || this.isAway) return
    const silence = this.#clock.now() - Math.max(first.since, this.#answered)
    if (silence >= Math.min(this.#limit, this.#patience.left())) this.#away.abort(AWAY)
  }

  get #limit(): number {
    const { silence, most, hurry } = this.#patience
    if (hurry.aborted) return Number.POSITIVE_INFINITY
    const { held, cautiousRate } = this.#pace
    // A link whose rate is known may be slow, and is not dead for that.
    const longest = cautiousRate === undefined ? most : Number.POSITIVE_INFINITY
    return Math.min(longest, silence + (2000 * held) / (cautiousRate ?? SLOW))
  }
}

const AWAY = new Error('the store is out of reach')
