import { type Clock, systemClock } from './clock.ts'

/** ms between two looks at the clock. */
const TICK_MS = 20
/** Of the time that this process was kept from running, as much counts as if it had run so: every wait has an end. */
const LEAST_SHARE = 1 / 8

/**
 * A clock in ms that hardly runs while this process is kept from running: by how late a timer of ours fires, nobody has had the time that
 * has passed. What is given up by it is stuck, and not only slow as everything is. It is looked at from the event loop, so it stands while that is busy.
 */
export class OwnTime implements Disposable {
  readonly clock: Clock
  readonly #callOff: () => void
  #looked: number
  #ms = 0

  constructor(clock: Clock = systemClock) {
    this.clock = clock
    this.#looked = clock.now()
    this.#callOff = clock.every(TICK_MS, () => this.#look())
  }

  now(): number {
    return this.#ms + ownPartOf(this.clock.now() - this.#looked)
  }

  [Symbol.dispose](): void {
    this.#callOff()
  }

  #look(): void {
    const now = this.clock.now()
    this.#ms += ownPartOf(now - this.#looked)
    this.#looked = now
  }
}

/** A tick that was late by no more than one is of a host that runs. */
const ownPartOf = (ms: number) => Math.max(Math.min(ms, 2 * TICK_MS), ms * LEAST_SHARE)

/** Calls `then` after `ms` of its own time, unless it was cancelled by the answer. */
export function afterOwn(ms: number, time: OwnTime, then: () => void): () => void {
  const until = time.now() + ms
  let callOff = () => {}
  let isCancelled = false
  // One more turn of the loop: what has come meanwhile may be there, only not delivered yet.
  const wait = (left: number) => {
    callOff = time.clock.after(left, () => setImmediate(look))
  }
  const look = () => {
    if (isCancelled) return
    const left = until - time.now()
    if (left > 0) wait(left)
    else then()
  }
  wait(ms)
  return () => {
    isCancelled = true
    callOff()
  }
}

/** A signal for as long as somebody waits. */
export interface OwnLimit extends Disposable {
  readonly signal: AbortSignal
}

/** A signal that ends after `ms` of our own time, or with `parent`. To be disposed of when what it limits has ended. */
export function withinOwn(ms: number, parent: AbortSignal, clock: Clock = systemClock): OwnLimit {
  const time = new OwnTime(clock)
  const passed = new AbortController()
  const callOff = afterOwn(ms, time, () => passed.abort(new Error(`no answer within ${ms} ms`)))
  return {
    signal: AbortSignal.any([parent, passed.signal]),
    [Symbol.dispose]() {
      callOff()
      time[Symbol.dispose]()
    },
  }
}
