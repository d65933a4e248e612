import { setTimeout as sleep } from 'node:timers/promises'

/** Between two tries to reach what should be there, ms: a collector that restarts, a network that comes up. */
const RETRY = { first: 250, most: 60_000 } as const

/** Calls `attempt` with the number of failures so far, with growing pauses after each, until the signal aborts. */
export async function keepTrying(signal: AbortSignal, attempt: (failures: number) => Promise<boolean>): Promise<void> {
  let failures = 0
  while (!signal.aborted) {
    failures = (await attempt(failures)) ? 0 : failures + 1
    const pause = Math.min(RETRY.most, RETRY.first * 2 ** Math.min(failures, 16))
    await sleep(failures === 0 ? 0 : pause, undefined, { signal }).catch(() => {})
  }
}
