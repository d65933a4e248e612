import type { BundleName } from '../bundle/keys.ts'
import type { Store } from '../store/store.ts'
import type { Clock } from '../words/clock.ts'
import { abandonable } from '../words/deadline.ts'
import { drain } from './drain.ts'
import type { Place } from './place.ts'

/** An object that was taken shows that the store is back: the next one gets as long. */
const PROGRESS_MS = 5_000

/**
 * Brings what was kept of a bundle to its store before the host goes, if that is back by now: within `ms` for the first object, and then
 * for as long as it takes one after the other. Gives how many it has taken. Never rejects.
 */
export async function flush(
  place: Place,
  store: Store,
  only: BundleName,
  ms: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<number> {
  let stored = 0
  const stalled = new AbortController()
  const stall = () => stalled.abort(new Error('the store does not answer'))
  let callOff = clock.after(ms, stall)
  const onStored = () => {
    stored += 1
    callOff()
    callOff = clock.after(PROGRESS_MS, stall)
  }
  const limit = AbortSignal.any([stalled.signal, signal])
  await abandonable(drain(place, store, { only, onStored }, limit), limit).catch(() => {})
  callOff()
  return stored
}
