import type { BundleName } from '../bundle/keys.ts'
import type { Finding } from '../bundle/schema.ts'
import { type Asked, type Captured, capture } from '../capture/capture.ts'
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
const CANCELLED = new Error('the shutdown was cancelled')
/** ms that logind and systemd may be late with what they have announced, on a host that is slow: for whoever reads until when it can go on. */
const LATE_MS = 10_000

/** One capture of the daemon, from the word of its trigger to the line for the console. */
export class Gasp implements Underway {
  readonly ended: Promise<void>
  readonly #around: Around
  readonly #clock: Clock
  readonly #hurry = new AbortController()
  readonly #over = new AbortController()
  readonly #cancelled = new AbortController()
  /** The host goes, and is not only said to. */
  readonly #certain = Promise.withResolvers<void>()
  #due: Due
  /** When it was heard first, and what holds now was said, on the clock. */
  readonly #heard: number
  #said: number
  /** ms that the settings allow. */
  #allowed = 0
  #deadline: MovableDeadline | undefined
  #captured: Captured | undefined

  constructor(due: Due, around: Around, parent: AbortSignal) {
    this.#due = due
    this.#around = around
    this.#clock = around.clock ?? systemClock
    this.#heard = this.#clock.now()
    this.#said = this.#heard
    if (due.announced === undefined) this.#certain.resolve()
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
    if (due.announced === undefined) this.#certain.resolve()
    this.#said = this.#clock.now()
    this.#deadline?.rearm(this.#left)
  }

  hurry(): void {
    this.#hurry.abort(FORCED)
    this.#clock.after(FORCED_MS, () => this.#over.abort(FORCED))
  }

  cancel(): void {
    this.#cancelled.abort(CANCELLED)
  }

  /** What was done before the capture began, counts. What is only announced has the time until systemd begins besides. */
  get #left(): number {
    const { until = this.#said + this.#allowed + (this.#due.announced ?? 0) } = this.#due
    return Math.max(0, until - this.#clock.now())
  }

  /** Lets applications go, but not those that are held for the next shutdown: of one that was cancelled they have been let go. */
  get #collector(): Asked {
    const { collector } = this.#around
    return {
      open: (occasion, ms, signal) => collector.open(occasion, ms, signal),
      why: (signal) => collector.why(signal),
      stopping: (signal) => collector.stopping(signal),
      release: async (signal) => {
        if (!this.#cancelled.signal.aborted) await collector.release(signal)
      },
    }
  }

  /** The capture, and the line that it comes to. */
  async #gasp(signal: AbortSignal): Promise<string> {
    const { standing, spool } = this.#around
    const collector = this.#collector
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
      const more = { ...(about && { about }), ...(before && { before }) }
      const ago = this.#clock.now() - this.#heard
      const late = this.#due.announced === undefined ? {} : { latest: this.#left + LATE_MS }
      const asked = { ...request, trigger, ...more, ago, deadline: this.#left, ...late }
      const [clock, most] = [this.#clock, lease.spool]
      const [hurry, cancelled, certain] = [this.#hurry.signal, this.#cancelled.signal, this.#certain.promise]
      // Where nobody waits for live evidence, there is time to wait for the store.
      const hold = COURSES[trigger].hold ? request.hold : Number.POSITIVE_INFINITY
      const backing = new Backing(store, { spool, most, hold, deadline, hurry, clock })
      const onBegun = ({ bundle }: BundleName) => this.#around.memory?.begun(trigger, bundle)
      let findings: readonly Finding[] = []
      const found = (known: readonly Finding[]) => {
        findings = known
      }
      try {
        const around = { collector, store: backing.store, deadline, hurry, cancelled, certain, onBegun, clock, found }
        const captured = await capture(asked, around, signal)
        this.#captured = captured
        // A host that goes is maybe not seen again.
        const goes = COURSES[trigger].afterwards === 'end'
        const kept = goes ? await backing.flushed(captured.name, AbortSignal.any([signal, cancelled])) : backing.kept
        return kept.objects === 0 ? successLine(captured, store.url) : keptLines(captured, store.url, kept)
      } catch (error) {
        return failureLines(error, store.url, findings, backing.kept)
      }
    } finally {
      void lease[Symbol.asyncDispose]()
    }
  }
}
