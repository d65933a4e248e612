import { type Budget, CANCELLED_WITHIN, type Closing, divide, FORCED_WITHIN, type Room } from '../plan/budget.ts'
import { seconds } from '../plan/plan.ts'
import type { Clock } from '../words/clock.ts'
import { type Deadline, MovableDeadline } from '../words/deadline.ts'
import { type Blame, failure } from './blame.ts'
import type { Course } from './courses.ts'

/** What a person reads who asks why something was not taken. */
const FORCED: Blame = { because: 'host', reason: 'the host was forced down' }
const CANCELLED: Blame = { because: 'host', reason: 'the shutdown was cancelled' }
const UP: Blame = { because: 'deadline', reason: 'its time was up' }

/** What ends when, beside the end itself. */
type Ends = Record<'end' | 'live' | 'window' | 'reading' | 'sending' | 'lastSending' | 'landing', MovableDeadline>

/** What cuts a capture short: the host is forced down, or the shutdown that it is about was cancelled. */
export interface Cuts {
  readonly hurry: AbortSignal
  readonly cancelled: AbortSignal
}

/**
 * The time of one capture: its end, the instants before it at which something else ends, and what is left for artifacts. All of it
 * moves with the deadline that was given, and comes at once when the host is forced down, or soon when it does not go after all.
 */
export class Time implements Disposable {
  readonly clock: Clock
  /** On the clock. */
  readonly began: number
  /** Ends when the capture is cut short: nothing new is begun. */
  readonly cut: AbortSignal
  readonly cancelled: AbortSignal
  readonly #hurry: AbortSignal
  readonly #given: MovableDeadline
  readonly #hold: number
  readonly #ends: Ends
  readonly #over = new AbortController()
  #held: boolean
  #last = false

  /** `hold` is how long applications may be kept. Below all is `parent`. */
  constructor(
    course: Course,
    given: MovableDeadline,
    hold: number,
    clock: Clock,
    { hurry, cancelled }: Cuts,
    parent: AbortSignal,
  ) {
    this.#held = course.phases.includes('live')
    this.clock = clock
    this.began = clock.now()
    this.cut = AbortSignal.any([hurry, cancelled])
    this.cancelled = cancelled
    this.#hurry = hurry
    this.#given = given
    this.#hold = hold
    const end = new MovableDeadline(given.left(), clock, AbortSignal.any([parent, this.#over.signal]))
    const before = () => new MovableDeadline(given.left(), clock, end.signal)
    const [live, window, reading, sending] = [before(), before(), before(), before()]
    this.#ends = { end, live, window, reading, sending, lastSending: before(), landing: before() }
    this.#arm()
    given.onMoved(() => {
      if (!this.cut.aborted) this.#arm()
    })
    const onCancelled = () => this.#close(CANCELLED_WITHIN, CANCELLED)
    const onHurry = () => this.#close(FORCED_WITHIN, FORCED)
    if (cancelled.aborted) onCancelled()
    else cancelled.addEventListener('abort', onCancelled)
    if (hurry.aborted) onHurry()
    else hurry.addEventListener('abort', onHurry)
  }

  get budget(): Budget {
    return divide(this.#given.at - this.began, this.#hold)
  }

  get elapsed(): number {
    return this.clock.now() - this.began
  }

  /** The end of everything. */
  get end(): Deadline {
    return this.#ends.end
  }

  /** The applications are let go, whatever is under way. */
  get live(): Deadline {
    return this.#ends.live
  }

  /** It does not stay open any longer for what may still crash. */
  get window(): Deadline {
    return this.#ends.window
  }

  /** What is read now, of that which `isLive` or not, is told to end. */
  reading(isLive: boolean): Deadline {
    if (isLive && this.#held) return this.#ends.live
    return this.#last ? this.#ends.sending : this.#ends.reading
  }

  /** The sending of what is taken now ends: a moment after reading has been told to. */
  get sending(): Deadline {
    return this.#last ? this.#ends.lastSending : this.#ends.sending
  }

  /** What has landed of an upload is an object: the rest belongs to the closing manifest. */
  get landing(): Deadline {
    return this.#ends.landing
  }

  /** What is left for artifacts. */
  get room(): Room {
    if (this.cut.aborted) return { live: 0, all: 0 }
    const { reserve, sending } = this.budget
    const all = Math.max(0, this.end.left() - (this.#last ? sending : reserve))
    return { all, live: this.#held ? Math.min(this.live.left(), all) : all }
  }

  /** Why nothing more is taken. */
  get up(): Blame {
    return this.#blameOfCut ?? UP
  }

  /** Why something is not begun that needs about `ms`. */
  upFor(ms: number): Blame {
    return this.#blameOfCut ?? { because: 'deadline', reason: `no time: it needs about ${seconds(ms)}` }
  }

  /** Who is behind an error: when the host is forced down, nobody else. */
  blame(error: unknown): Blame {
    return this.#hurry.aborted ? FORCED : failure(error)
  }

  /** Whether applications may still be waiting: what is to be taken before they are let go comes first. */
  get held(): boolean {
    return this.#held
  }

  /** Applications do not wait any longer: what was to be taken before that shares the rest of the time. */
  letGo(): void {
    this.#held = false
  }

  /** From now on only what the last look has brought is taken, out of the reserve. */
  lastLook(): void {
    this.#last = true
  }

  [Symbol.dispose](): void {
    this.#over.abort(new Error('the capture has ended'))
  }

  get #blameOfCut(): Blame | undefined {
    if (this.#hurry.aborted) return FORCED
    return this.cancelled.aborted ? CANCELLED : undefined
  }

  #arm(): void {
    const { live, window, reserve, sending, lastSending, landing } = this.budget
    const left = this.#given.left()
    this.#ends.end.rearm(left)
    this.#ends.landing.rearm(left - landing)
    this.#ends.lastSending.rearm(left - lastSending)
    this.#ends.sending.rearm(left - sending)
    this.#ends.reading.rearm(left - reserve)
    this.#ends.window.rearm(left - window)
    this.#ends.live.rearm(Math.max(0, live - this.elapsed))
  }

  /** Ends all of it soon, and nothing later than it would have ended. */
  #close(within: Closing, { reason }: Blame): void {
    const why = new Error(reason)
    const { live, reading, sending, lastSending, landing, end } = this.#ends
    live.rearm(0, why)
    reading.rearm(0, why)
    sending.rearm(Math.min(within.sending, sending.left()), why)
    lastSending.rearm(Math.min(within.sending, lastSending.left()), why)
    landing.rearm(Math.min(within.landing, landing.left()), why)
    end.rearm(Math.min(within.end, end.left()), why)
  }
}
