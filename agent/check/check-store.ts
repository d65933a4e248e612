import { randomBytes } from 'node:crypto'
import { HOSTS_PREFIX, newBundle } from '../bundle/keys.ts'
import { seconds } from '../plan/plan.ts'
import { type Store, StoreError } from '../store/store.ts'
import { sentence } from '../words/cannot.ts'
import { within } from '../words/deadline.ts'
import { bad, good, type Remark } from './remark.ts'

/** A store that needs longer for three small requests is of no use to a host that goes down. */
const WRITE_MS = 20_000

const WHAT_IT_NEEDS = 'lastgasp policy --for host prints what it has to allow'

/**
 * A real write, both ways in which a capture writes: one put, and an object in parts. What is written stays (the host may
 * not delete) below `checks/` of the host's own prefix, a few hundred bytes each time.
 */
export async function checkStore(store: Store, identity: string, parent: AbortSignal): Promise<readonly Remark[]> {
  const signal = within(WRITE_MS, parent)
  const { bundle } = newBundle(identity, Date.now())
  const key = (way: string) => `${HOSTS_PREFIX}${identity}/checks/${bundle}-${way}`
  const started = performance.now()
  try {
    await store.warm(signal)
    const { clockSkew } = await store.put(key('put'), Buffer.from('lastgasp check\n'), signal)
    const upload = await store.begin(key('parts'), signal)
    await upload.part(1, randomBytes(64), signal)
    await upload.complete(signal)
    const skew =
      clockSkew !== undefined && Math.abs(clockSkew) > 60_000 ? `; clocks differ by ${seconds(clockSkew)}` : ''
    return [
      good('store', `${store.url} takes objects, whole and in parts (${seconds(performance.now() - started)})${skew}`),
    ]
  } catch (error) {
    const tried = signal.aborted && !parent.aborted ? ` (tried for ${seconds(WRITE_MS)})` : ''
    const needs = error instanceof StoreError && error.failure === 'denied' ? `; ${WHAT_IT_NEEDS}` : ''
    return [bad('store', sentence(error) + tried + needs)]
  }
}
