import { type Store, StoreError } from '../../agent/store/store.ts'

/**
 * A store of which the first try of every call fails: it is refused before anything is done, or (every other object and part)
 * done, and its answer lost.
 */
export function flaky(store: Store): Store {
  const tried = new Map<string, number>()
  let loses = false
  async function first<T>(call: string, mayLose: boolean, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const times = tried.get(call) ?? 0
    tried.set(call, times + 1)
    if (times % 2 === 1 || signal.aborted) return await work()
    if (mayLose) loses = !loses
    const doubtful = mayLose && loses
    if (doubtful) await work()
    throw new StoreError('transient', 'cannot do it at once', { doubtful })
  }
  return {
    ...store,
    put: (key, body, signal) => first(`put ${key} ${body}`, true, signal, () => store.put(key, body, signal)),
    begin: async (key, signal) => {
      const upload = await first(`begin ${key}`, false, signal, () => store.begin(key, signal))
      return {
        key,
        part: (number, body, signal) =>
          first(`part ${number} of ${key}`, true, signal, () => upload.part(number, body, signal)),
        complete: (signal) => first(`complete ${key}`, false, signal, () => upload.complete(signal)),
      }
    },
  }
}
