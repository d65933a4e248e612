import { cannot } from '../words/cannot.ts'
import { abandonable } from '../words/deadline.ts'
import { checkKey } from './key.ts'
import { type Store, StoreError } from './store.ts'

/**
 * What is below a prefix (empty, or with a trailing slash) as a store of its own: keys and results name what is below it,
 * messages name all of it. The prefix may be known only later; calls wait for it as long as their signals, and fail as it does.
 */
export function prefixed(store: Store, prefix: string | Promise<string>): Store {
  const known = Promise.resolve(prefix)
  // Whoever calls hears of it.
  known.catch(() => {})
  async function place(key: string, signal: AbortSignal): Promise<string> {
    checkKey(key)
    try {
      return (await abandonable(known, signal)) + key
    } catch (thrown) {
      if (thrown instanceof StoreError) throw thrown
      throw new StoreError('transient', cannot(`store ${key} in ${store.url}`, thrown).message, { cause: thrown })
    }
  }
  return {
    ...store,
    get pace() {
      return store.pace
    },
    put: async (key, body, signal) => ({ ...(await store.put(await place(key, signal), body, signal)), key }),
    begin: async (key, signal) => {
      const upload = await store.begin(await place(key, signal), signal)
      return {
        key,
        part: (number, body, signal) => upload.part(number, body, signal),
        complete: async (signal) => ({ ...(await upload.complete(signal)), key }),
      }
    },
  }
}
