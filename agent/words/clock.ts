/** Where time comes from. Monotonic: a clock that is set during a shutdown moves nothing. */
export interface Clock {
  /** ms since some instant */
  now(): number
  /** Calls once when `ms` have passed, and keeps the process alive until then. Gives what calls it off. */
  after(ms: number, call: () => void): () => void
  /** Calls again and again, `ms` after each other. Keeps no process alive. Gives what ends it. */
  every(ms: number, call: () => void): () => void
  /** A signal that ends when `ms` have passed. Keeps no process alive. */
  timeout(ms: number): AbortSignal
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after: (ms, call) => {
    const timer = setTimeout(call, ms)
    return () => clearTimeout(timer)
  },
  every: (ms, call) => {
    const timer = setInterval(call, ms)
    timer.unref()
    return () => clearInterval(timer)
  },
  timeout: (ms) => AbortSignal.timeout(Math.max(0, Math.ceil(ms))),
}

/** Resolves when `ms` have passed, or the signal has ended: who waits looks at it again. */
export async function pause(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const callOff = clock.after(ms, resolve)
  const onAbort = () => resolve()
  signal.addEventListener('abort', onAbort)
  await promise
  callOff()
  signal.removeEventListener('abort', onAbort)
}
