import { type Clock, systemClock } from '../words/clock.ts'
import { retry } from './retry.ts'
import { type Store, StoreError, type Upload } from './store.ts'
import { Waits } from './waits.ts'

/**
 * A store whose calls try again what may work later, `tries` times at most and until their signal ends; then they fail as the
 * last try did. An object that exists after a try whose answer was lost is our own. `warm` stays one try.
 */
export function retrying(store: Store, tries: number, clock: Clock = systemClock): Store {
  const waits = new Waits()
  const trying = <T>(what: string, once: (doubtful: boolean) => Promise<T>, signal: AbortSignal) =>
    waits.during(
      () => `${store.url}, to ${what}`,
      () => retry(once, tries, signal, clock),
    )
  return {
    ...store,
    // Since when is known here; for whom, where a try is under way, the store knows better.
    waiting: () => {
      const longest = waits.longest()
      const now = store.waiting?.()
      return longest === undefined ? now : { ...longest, ...(now && { what: now.what }) }
    },
    put: (key, body, signal) => {
      const once = async (doubtful: boolean) => {
        try {
          return await store.put(key, body, signal)
        } catch (thrown) {
          if (doubtful && thrown instanceof StoreError && thrown.failure === 'exists')
            return { key, bytes: body.length }
          throw thrown
        }
      }
      return trying(`store ${key}`, once, signal)
    },
    begin: async (key, signal) => {
      const upload = await trying(`begin ${key}`, () => store.begin(key, signal), signal)
      return {
        key,
        part: (number, body, signal) =>
          trying(`store part ${number} of ${key}`, () => part(store, upload, number, body, signal), signal),
        complete: (signal) => trying(`complete ${key}`, () => upload.complete(signal), signal),
      }
    },
  }
}

/** One try. One that failed may have failed of too many at a time. */
async function part(store: Store, upload: Upload, number: number, body: Buffer, signal: AbortSignal): Promise<void> {
  try {
    await upload.part(number, body, signal)
  } catch (thrown) {
    if (!signal.aborted && thrown instanceof StoreError && thrown.failure === 'transient') store.pace.window.fell()
    throw thrown
  }
}
