import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Store } from '../../store/store.ts'
import { sentence } from '../../words/cannot.ts'
import { within } from '../../words/deadline.ts'
import { keepTrying } from './keep-trying.ts'

/** How long one try to reach the store may take. */
const WARM_MS = 30_000
/** Addresses and credentials are fetched anew: instance credentials live for hours, addresses for minutes. */
const REWARM_MS = 5 * 60_000

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
