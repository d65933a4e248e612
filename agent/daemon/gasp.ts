import type { BundleName } from '../bundle/keys.ts'
import type { Finding } from '../bundle/schema.ts'
import { type Captured, capture } from '../capture/capture.ts'
import { COURSES, GENEROUS_MS } from '../capture/courses.ts'
import type { Place } from '../spool/place.ts'
import type { Collector } from '../wall/collector.ts'
import { type Clock, systemClock } from '../words/clock.ts'
import { abandonable, MovableDeadline, within } from '../words/deadline.ts'
import type { Underway } from './agenda.ts'
import { Backing } from './backing.ts'
import { failureLine, failureLines, keptLines, successLine } from './console-line.ts'
import type { Standing } from './standing/standing.ts'
import type { Due } from './triggers/trigger.ts'

/** What a gasp needs around it. */
export interface Around {
  /** The daemon may be told that the host goes before it has read what it stands for. */
  readonly standing: Promise<Pick<Standing, 'atTrigger'>>
  readonly collector: Collector
  /** Tells a person how it ended, in a line or some more. */
  readonly say: (line: string) => void
  /** Told of the bundle that was begun for a trigger, and of what the capture came to: undefined where its manifest is not stored. */
  readonly memory?: {
    readonly begun: (trigger: Due['trigger'], bundle: string) => void
    readonly ended: (trigger: Due['trigger'], captured: Captured | undefined) => void
  }
  readonly clock?: Clock
  /** Where what the store cannot take is kept. */
  readonly spool?: Place
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
  #captured: Captured | undefined

  constructor(due: Due, around: Around, parent: AbortSignal) {
    this.#due = due
    this.#around = around
    this.#clock = around.clock ?? systemClock
    this.#said = this.#clock.now()
    const signal = AbortSignal.any([parent, this.#over.signal])
    this.ended = abandonable(this.#gasp(signal), signal)
      .catch((error: unknown) => failureLine(error, undefined))
      .then(around.say)
      .then(() => {
        const { trigger, onEnd } = this.#due
        around.memory?.ended(trigger, this.#captured)
        onEnd?.(this.#captured !== undefined)
      })
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
    const { standing, collector, spool } = this.#around
    const lease = await (await standing).atTrigger()
    const { request, store } = lease
    try {
      if (store instanceof Error) {
        const limit = within(RELEASE_MS, signal, this.#clock)
        if (COURSES[this.#due.trigger].hold) await collector.release(limit).catch(() => {})
        return failureLine(store, undefined)
      }
      const { trigger, about, before } = this.#due
      this.#allowed = COURSES[trigger].time === 'generous' ? GENEROUS_MS : request.deadline
      const deadline = new MovableDeadline(this.#left, this.#clock)
      this.#deadline = deadline
      const asked = { ...request, trigger, ...(about && { about }), ...(before && { before }), deadline: this.#left }
      const [clock, hurry, most] = [this.#clock, this.#hurry.signal, lease.spool]
      // Where nobody waits for live evidence, there is time to wait for the store.
      const hold = COURSES[trigger].hold ? request.hold : Number.POSITIVE_INFINITY
      const backing = new Backing(store, { spool, most, hold, deadline, hurry, clock })
      const onBegun = ({ bundle }: BundleName) => this.#around.memory?.begun(trigger, bundle)
      let findings: readonly Finding[] = []
      const found = (known: readonly Finding[]) => {
        findings = known
      }
      try {
        const around = { collector, store: backing.store, deadline, hurry, onBegun, clock, found }
        const captured = await capture(asked, around, signal)
        this.#captured = captured
        // A host that goes is maybe not seen again.
        const kept = COURSES[trigger].afterwards === 'end' ? await backing.flushed(captured.name, signal) : backing.kept
        return kept.objects === 0 ? successLine(captured, store.url) : keptLines(captured, store.url, kept)
      } catch (error) {
        return failureLines(error, store.url, findings, backing.kept)
      }
    } finally {
      void lease[Symbol.asyncDispose]()
    }
  }
}
