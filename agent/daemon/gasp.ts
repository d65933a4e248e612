import { capture } from '../capture/capture.ts'
import type { Collector } from '../wall/collector.ts'
import { type Clock, systemClock } from '../words/clock.ts'
import { abandonable, MovableDeadline, within } from '../words/deadline.ts'
import type { Underway } from './agenda.ts'
import { failureLine, successLine } from './console-line.ts'
import type { Standing } from './standing/standing.ts'
import type { Due } from './triggers/trigger.ts'

/** What a gasp needs around it. */
export interface Around {
  /** The daemon may be told that the host goes before it has read what it stands for. */
  readonly standing: Promise<Pick<Standing, 'atTrigger'>>
  readonly collector: Collector
  /** Tells a person how it ended, in one line. */
  readonly say: (line: string) => void
  readonly clock?: Clock
}

/** ms from a forced end to that of the process. The engine has closed its manifest by then (plan/budget.ts), or the store is dead. */
const FORCED_MS = 1_950
/** A request to a collector that works. One that does not is not waited for: the kernel has released its lock. */
const RELEASE_MS = 1_000
const FORCED = new Error('the host was forced down')

/** One capture of the daemon, from the word of its trigger to the line for the console. */
export class Gasp implements Underway {
  readonly ended: Promise<void>
  readonly #around: Around
  readonly #clock: Clock
  readonly #hurry = new AbortController()
  readonly #over = new AbortController()
  #due: Due
  /** When that was said, on the clock. */
  #said: number
  /** ms that the settings allow. */
  #allowed = 0
  #deadline: MovableDeadline | undefined

  constructor(due: Due, around: Around, parent: AbortSignal) {
    this.#due = due
    this.#around = around
    this.#clock = around.clock ?? systemClock
    this.#said = this.#clock.now()
    const signal = AbortSignal.any([parent, this.#over.signal])
    this.ended = abandonable(this.#gasp(signal), signal)
      .catch((error: unknown) => failureLine(error, undefined))
      .then(around.say)
  }

  /** Counts its time anew, from what has been said now. */
  rearm(due: Due): void {
    this.#due = due
    this.#said = this.#clock.now()
    this.#deadline?.rearm(this.#left)
  }

  hurry(): void {
    this.#hurry.abort(FORCED)
    this.#clock.after(FORCED_MS, () => this.#over.abort(FORCED))
  }

  /** What was done before the capture began, counts. */
  get #left(): number {
    return Math.max(0, (this.#due.until ?? this.#said + this.#allowed) - this.#clock.now())
  }

  /** The capture, and the line that it comes to. */
  async #gasp(signal: AbortSignal): Promise<string> {
    const { standing, collector } = this.#around
    const lease = await (await standing).atTrigger()
    const { request, store } = lease
    try {
      if (store instanceof Error) {
        await collector.release(within(RELEASE_MS, signal, this.#clock)).catch(() => {})
        return failureLine(store, undefined)
      }
      this.#allowed = request.deadline
      const deadline = new MovableDeadline(this.#left, this.#clock)
      this.#deadline = deadline
      const asked = { ...request, trigger: this.#due.trigger, deadline: this.#left }
      const around = { collector, store, deadline, hurry: this.#hurry.signal, clock: this.#clock }
      try {
        return successLine(await capture(asked, around, signal), store.url)
      } catch (error) {
        return failureLine(error, store.url)
      }
    } finally {
      void lease[Symbol.asyncDispose]()
    }
  }
}
