import { type Clock, pause, systemClock } from '../words/clock.ts'
import { StoreError } from './store.ts'

/** Longest wait before the second try, in ms; doubled for each further one. */
const FIRST_PAUSE = 100
/** Longest wait between tries, in ms: a dying host has tens of seconds, a store that comes back should find it there. */
const LONGEST_PAUSE = 3_000

/**
 * How long to wait after try number `tries` failed, in ms. `random` is 0..1: with full jitter thousands of hosts
 * that die together do not come back together (AWS Architecture Blog, "Exponential Backoff And Jitter").
 */
export function pauseAfter(tries: number, random: number): number {
  return random * Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (tries - 1))
}

/**
 * Does `once` until it works, fails for good, has failed `tries` times, or the signal ends. `doubtful` tells it that
 * an earlier try may have worked without our hearing of it. Fails with the StoreError of the last try that was not
 * merely ended by the signal.
 */
export async function retry<T>(
  once: (doubtful: boolean) => Promise<T>,
  tries: number,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<T> {
  let doubtful = false
  let last: StoreError | undefined
  for (let number = 1; ; number++) {
    try {
      return await once(doubtful)
    } catch (thrown) {
      if (signal.aborted) throw last ?? thrown
      if (!(thrown instanceof StoreError) || thrown.failure !== 'transient' || number >= tries) throw thrown
      last = thrown
      doubtful ||= thrown.doubtful
    }
    await pause(pauseAfter(number, Math.random()), clock, signal)
    if (signal.aborted) throw last
  }
}
