import { type Clock, systemClock } from './clock.ts'

/**
 * The instant by which a capture must have ended, and what is left until then. Monotonic: a clock that is set
 * during a shutdown moves nothing.
 */
export interface Deadline {
  /** ms on the monotonic clock of `performance.now()` */
  readonly at: number
  /** Aborts at the deadline, or earlier if its parent does. */
  readonly signal: AbortSignal
  /** ms that are left, never negative */
  left(): number
}

/** A deadline `ms` from now, below `parent` if there is one. */
export function deadlineIn(ms: number, parent?: AbortSignal, clock: Clock = systemClock): Deadline {
  const at = clock.now() + ms
  const timeout = clock.timeout(ms)
  return {
    at,
    signal: parent === undefined ? timeout : AbortSignal.any([parent, timeout]),
    left: () => Math.max(0, at - clock.now()),
  }
}

/** A signal that ends after `ms` or with `parent`, whichever comes first. */
export function within(ms: number, parent: AbortSignal, clock: Clock = systemClock): AbortSignal {
  return AbortSignal.any([parent, clock.timeout(ms)])
}

/** A deadline that can be moved while it is waited for, until it has passed. */
export class MovableDeadline implements Deadline {
  readonly signal: AbortSignal
  readonly #clock: Clock
  readonly #passed = new AbortController()
  readonly #followers: (() => void)[] = []
  #at = 0
  #moves = 0

  /** Passes `ms` from now unless it is moved, or when `parent` aborts. */
  constructor(ms: number, clock: Clock = systemClock, parent?: AbortSignal) {
    this.#clock = clock
    this.signal = parent === undefined ? this.#passed.signal : AbortSignal.any([parent, this.#passed.signal])
    this.rearm(ms)
  }

  get at(): number {
    return this.#at
  }

  left(): number {
    return Math.max(0, this.#at - this.#clock.now())
  }

  /** Moves it to `ms` from now, sooner or later than it was. `why` is what the signal will say; no word of it, that the time is up. */
  rearm(ms: number, why?: Error): void {
    this.#at = this.#clock.now() + ms
    const move = ++this.#moves
    const timeout = this.#clock.timeout(ms)
    const pass = () => {
      if (move === this.#moves) this.#passed.abort(why ?? timeout.reason)
    }
    if (timeout.aborted) pass()
    else timeout.addEventListener('abort', pass)
    for (const follow of this.#followers) follow()
  }

  /** Calls whenever it has been moved. */
  onMoved(follow: () => void): void {
    this.#followers.push(follow)
  }
}

/**
 * The promise's outcome, or a rejection when the signal aborts first. For calls that cannot be cancelled (a read
 * in D state): they go on alone, and what they bring is dropped.
 */
export async function abandonable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  promise.catch(() => {})
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Resolves when the signal aborts. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
