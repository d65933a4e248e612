import { type Clock, pause, systemClock } from './clock.ts'

/** Between two tries to reach what should be there, ms: a collector that restarts, a network that comes up. */
const RETRY = { first: 250, most: 60_000 } as const

/** Calls `attempt` with the number of failures in a row so far, with a pause that grows with it, until the signal aborts. */
export async function keepTrying(
  signal: AbortSignal,
  attempt: (failures: number) => Promise<boolean>,
  clock: Clock = systemClock,
): Promise<void> {
  let failures = 0
  while (!signal.aborted) {
    failures = (await attempt(failures)) ? 0 : failures + 1
    await pause(Math.min(RETRY.most, RETRY.first * 2 ** failures), clock, signal)
  }
}
