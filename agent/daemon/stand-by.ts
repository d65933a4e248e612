import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { sentence } from '../cannot.ts'
import { within } from '../deadline.ts'
import type { Store } from '../store/store.ts'
import type { Collector } from './collector-client.ts'

/** Between two tries to reach what should be there, ms: a collector that restarts, a network that comes up. */
const RETRY = { first: 250, most: 60_000 } as const
/** How long one try to reach the store may take. */
const WARM_MS = 30_000
/** Addresses and credentials are fetched anew: instance credentials live for hours, addresses for minutes. */
const REWARM_MS = 5 * 60_000

/**
 * Attends at the collector, so that applications are held at shutdown. Tries again for as long as the daemon is `idle`;
 * an attendance lasts until `signal` aborts. Never rejects.
 */
export async function keepAttending(
  collector: Collector,
  log: Logger,
  idle: AbortSignal,
  signal: AbortSignal,
): Promise<void> {
  await keepTrying(idle, async (failures) => {
    try {
      await collector.attend(signal)
    } catch (error) {
      if (failures === 0) log.warn(`without the collector, applications are not held: ${sentence(error)}`)
    }
    return false
  })
}

/** Keeps the store's addresses and credentials at hand until the signal aborts. Never rejects. */
export async function keepWarm(store: Store, log: Logger, signal: AbortSignal): Promise<void> {
  await keepTrying(signal, async (failures) => {
    try {
      await store.warm(within(WARM_MS, signal))
      if (failures !== 0) log.info(`${store.url} is at hand`)
      await sleep(REWARM_MS, undefined, { signal, ref: false })
      return true
    } catch (error) {
      if (failures === 0 && !signal.aborted) log.warn(`cannot warm up ${store.url}: ${sentence(error)}`)
      return false
    }
  })
}

/** Calls `attempt` with the number of failures so far, with growing pauses after each, until the signal aborts. */
async function keepTrying(signal: AbortSignal, attempt: (failures: number) => Promise<boolean>): Promise<void> {
  let failures = 0
  while (!signal.aborted) {
    failures = (await attempt(failures)) ? 0 : failures + 1
    const pause = Math.min(RETRY.most, RETRY.first * 2 ** Math.min(failures, 16))
    await sleep(failures === 0 ? 0 : pause, undefined, { signal }).catch(() => {})
  }
}
