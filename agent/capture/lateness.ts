import type { Clock } from '../words/clock.ts'

const TICK_MS = 100
/** A pause of the garbage collector, a hash over a part: no host is called slow for so much. */
const USUAL_MS = 20
/** What is remembered of a lateness from one tick to the next: a half after 0.7 s. */
const KEPT = 0.9
/** Silence is waited out so many times as long at most. */
const MOST = 8

/**
 * How late our own timers are: on a host whose processor is taken away, everybody else is late as well, and more so who works than who
 * sleeps. Whoever judges a silence asks for its `stretch`.
 */
export class Lateness implements Disposable {
  readonly #clock: Clock
  #late = 0
  #due = 0
  #callOff = () => {}

  constructor(clock: Clock) {
    this.#clock = clock
    this.#listen()
  }

  /** What to multiply a patience by: 1 on a healthy host, and once more for each USUAL_MS by which timers are later than usual. */
  get stretch(): number {
    // A tick that is overdue has something to say already.
    const late = Math.max(this.#late, this.#clock.now() - this.#due)
    return Math.min(MOST, Math.max(1, late / USUAL_MS))
  }

  [Symbol.dispose](): void {
    this.#callOff()
  }

  #listen(): void {
    this.#due = this.#clock.now() + TICK_MS
    this.#callOff = this.#clock.after(TICK_MS, () => {
      this.#late = Math.max(this.#late * KEPT, this.#clock.now() - this.#due)
      this.#listen()
    })
  }
}
