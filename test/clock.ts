import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '../agent/words/clock.ts'
import { areFilesAtWork } from './files-at-work.ts'

/** Turns of the event loop in which all that does not wait for the clock comes to rest: promises, and what they begin. */
const TURNS = 3

/** What is less is lost in the sum with a time: who waits for the rest of a wait would never come to its end. */
const LEAST_MS = 1e-6

interface Timer {
  readonly at: number
  call: (() => void) | undefined
  /** Nobody waits for what it does. */
  readonly isTick: boolean
}

/** A clock that stands still while there is something to do, and then goes on to the next timer at once. */
export class TestClock implements Clock {
  #now = 0
  /** The next one last. */
  readonly #timers: Timer[] = []
  /** ms by which every timer is late: a host whose processor is taken away. */
  late = 0
  /** Whether it stands still while files are worked on, too: what waits for a disk is not faster than time then. */
  waitsForFiles = false

  now(): number {
    return this.#now
  }

  after(ms: number, call: () => void): () => void {
    return this.#add({ at: this.#now + (ms > 0 ? Math.max(LEAST_MS, ms) : 0) + this.late, call, isTick: false })
  }

  #add(timer: Timer): () => void {
    let [low, high] = [0, this.#timers.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#timers[middle] as Timer).at > timer.at) low = middle + 1
      else high = middle
    }
    this.#timers.splice(low, 0, timer)
    return () => {
      timer.call = undefined
    }
  }

  every(ms: number, call: () => void): () => void {
    let callOff = () => {}
    const again = () => {
      const tick = () => {
        again()
        call()
      }
      callOff = this.#add({ at: this.#now + ms + this.late, call: tick, isTick: true })
    }
    again()
    return () => callOff()
  }

  timeout(ms: number): AbortSignal {
    const ending = new AbortController()
    this.after(ms, () => ending.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError')))
    return ending.signal
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve))
  }

  /** Lets time pass until the promise settles. Rejects when nothing is left that it could wait for, or an hour has passed. */
  async run<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const settle = () => {
      settled = true
    }
    promise.then(settle, settle)
    const end = this.#now + 3_600_000
    let isTick = false
    while (true) {
      do for (let n = 0; n < TURNS && !settled && !isTick; n++) await turn()
      while (this.waitsForFiles && !settled && !isTick && areFilesAtWork())
      if (settled) return await promise
      const next = this.#timers.pop()
      if (next === undefined || next.at > end) throw new Error(`nothing came of it within ${this.#now} ms`)
      if (next.call === undefined) continue
      this.#now = Math.max(this.#now, next.at)
      isTick = next.isTick
      next.call()
    }
  }
}
