import type { Logger } from 'pino'
import type { Store } from '../../store/store.ts'
import { sentence } from '../../words/cannot.ts'
import { type Clock, pause, systemClock } from '../../words/clock.ts'
import { within } from '../../words/deadline.ts'
import { keepTrying } from '../../words/keep-trying.ts'

/** How long one try to reach the store may take. */
const WARM_MS = 30_000
/** Addresses and credentials are fetched anew: instance credentials live for hours, addresses for minutes. */
const REWARM_MS = 5 * 60_000

/** Keeps the store's addresses and credentials at hand until the signal aborts. Never rejects. */
export async function keepWarm(
  store: Pick<Store, 'url' | 'warm'>,
  log: Pick<Logger, 'info' | 'warn'>,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<void> {
  const attempt = async (failures: number) => {
    try {
      await store.warm(within(WARM_MS, signal, clock))
      if (failures !== 0) log.info(`${store.url} is at hand`)
      await pause(REWARM_MS, clock, signal)
      return true
    } catch (error) {
      if (failures === 0 && !signal.aborted) log.warn(`cannot warm up ${store.url}: ${sentence(error)}`)
      return false
    }
  }
  await keepTrying(signal, attempt, clock)
}
