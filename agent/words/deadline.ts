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
export function deadlineIn(ms: number, parent?: AbortSignal): Deadline {
  const at = performance.now() + ms
  const timeout = AbortSignal.timeout(Math.max(0, Math.ceil(ms)))
  return {
    at,
    signal: parent === undefined ? timeout : AbortSignal.any([parent, timeout]),
    left: () => Math.max(0, at - performance.now()),
  }
}

/** A signal that ends after `ms` or with `parent`, whichever comes first. */
export function within(ms: number, parent: AbortSignal): AbortSignal {
  return AbortSignal.any([parent, AbortSignal.timeout(Math.max(0, Math.ceil(ms)))])
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
