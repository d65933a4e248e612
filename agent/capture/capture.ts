import { closingManifest, indexRow } from '../bundle/closing.ts'
import { type BundleName, rowKey } from '../bundle/keys.ts'
import type { Manifest, Receipt } from '../bundle/schema.ts'
import { unasked } from '../findings/findings.ts'
import { fuller } from '../findings/fuller.ts'
import { divide } from '../plan/budget.ts'
import { ASSUMED_RATES } from '../plan/cost.ts'
import { makePlan } from '../plan/plan.ts'
import type { Store } from '../store/store.ts'
import type { Collector, Session } from '../wall/collector.ts'
import { deadlineIn, within } from '../words/deadline.ts'
import type { ListedItem } from '../words/evidence.ts'
import { document, openBundle } from './open-bundle.ts'
import { gapReceipt, planDocument, unaskedReceipts } from './receipts.ts'
import { type CaptureRequest, openingOf } from './request.ts'
import { failure, type Ground } from './take-artifact.ts'
import { takeInOrder } from './take-in-order.ts'

/** How a capture ended: what its closing manifest says. */
export interface Ended {
  readonly name: BundleName
  readonly manifest: Manifest
}

/**
 * One run, from trigger to closing manifest: this is the whole order. What fails on the host becomes a receipt and the next
 * thing is taken; throws only when the bundle cannot be begun or committed (a StoreError, or the deadline).
 */
export async function capture(
  request: CaptureRequest,
  collector: Collector,
  store: Store,
  parent: AbortSignal,
): Promise<Ended> {
  const started = performance.now()
  const budget = divide(request.deadline, request.hold)
  const { signal, left } = deadlineIn(budget.total, parent)
  const receipts: (Receipt | Promise<Receipt>)[] = []
  const bundle = openBundle(store, (name) => openingOf(request, name), request.identity, within(budget.opening, signal))
  // A store that hangs may cost the artifacts, never the end: with half of the reserve left nothing is sent any more, what has
  // landed becomes objects, and the last quarter belongs to the closing manifest.
  const sending = deadlineIn(left() - budget.reserve / 2, signal)
  const artifacts = within(left() - budget.reserve / 4, signal)
  const why = request.trigger === 'shutdown' ? collector.why(artifacts).catch(() => undefined) : undefined

  // Phase 1: reading waits for nobody; only the writes wait until the bundle is open.
  const phase = deadlineIn(budget.live, signal)
  const session = await opened(collector, request, budget.inventory, receipts, phase.signal)
  const { items } = session.listing
  const ground = { session, store: bundle.store, sending, signal: artifacts }
  const live: Ground = { ...ground, left: () => Math.min(left() - budget.reserve, phase.left()) }
  const plan = makePlan(items, left() - budget.reserve, ASSUMED_RATES)
  const planned = bundle.opened.then(({ name }) =>
    bundle.store.put('plan.json', document(planDocument(name.bundle, plan, ASSUMED_RATES)), signal),
  )
  planned.catch(() => {})
  const early = session.findings(WITNESSES_MS, artifacts).catch(() => undefined)
  await takeInOrder(
    items.filter(({ phase }) => phase !== 'stored'),
    live,
    receipts,
    phase.signal,
  )
  await collector.release(within(RELEASE_MS, signal)).catch(() => {})

  // Phase 2: applications stop meanwhile. A store that could not be reached by now ends it here.
  const { name, opening, clockSkew } = await bundle.opened
  const stored: Ground = { ...ground, left: () => left() - budget.reserve }
  await takeInOrder(
    items.filter(({ phase }) => phase === 'stored'),
    stored,
    receipts,
    signal,
  )
  await Promise.all(receipts)
  const wordsEnd = budget.reserve * 0.375
  const words = await lastLook(session, receipts, within(Math.min(budget.reserve / 4, left() - wordsEnd), signal))
  // Asked once more, for what crashed meanwhile.
  const asking = Math.min(WITNESSES_MS, Math.max(0, left() - wordsEnd))
  const late = session.findings(asking, artifacts).catch(() => undefined)
  const last = {
    ...ground,
    left: () => left() - budget.reserve / 2,
    sending: deadlineIn(left() - wordsEnd, signal),
  }
  await takeInOrder(words, last, receipts, signal)

  const ending = {
    receipts: await Promise.all(receipts),
    findings: fuller(await early, await late) ?? unasked('the collector did not say'),
    duration: performance.now() - started,
    shutdown: await why,
    clockSkew,
    problems: request.problems,
  }
  const manifest = closingManifest(opening, ending)
  await bundle.store.put('manifest.json', document(manifest), signal)
  await store.put(rowKey(name, manifest.status, manifest.why), document(indexRow(manifest, name)), signal)
  return { name, manifest }
}

/** ms for those who tell of deaths: 30 on a healthy host, for a log of 256 KiB and ten small reads of each journal file. */
const WITNESSES_MS = 4_000
/** A request to a collector that works. One that does not is not waited for: the kernel has released its lock. */
const RELEASE_MS = 1_000

/** A session, with the gaps of its listing put down as receipts; where the collector does not answer, a receipt for every source. */
async function opened(
  collector: Collector,
  { trigger }: CaptureRequest,
  ms: number,
  receipts: (Receipt | Promise<Receipt>)[],
  signal: AbortSignal,
): Promise<Session> {
  try {
    const session = await collector.open({ trigger, boot: 'this' }, ms, signal)
    receipts.push(...session.listing.gaps.map(gapReceipt))
    return session
  } catch (error) {
    receipts.push(...unaskedReceipts(failure(error)))
    return mute(error)
  }
}

/** What has come up since, with its gaps put down as receipts. */
async function lastLook(
  session: Session,
  receipts: (Receipt | Promise<Receipt>)[],
  signal: AbortSignal,
): Promise<readonly ListedItem[]> {
  const watching = session.watch(signal)
  watching.stop()
  const items: ListedItem[] = []
  try {
    for await (const listing of watching.comesUp) {
      receipts.push(...listing.gaps.map(gapReceipt))
      items.push(...listing.items)
    }
  } catch (error) {
    // Asked a second time in vain, it is the same story.
    if (receipts.length === 0) receipts.push(...unaskedReceipts(failure(error)))
  }
  return items
}

/** The session that a collector did not open. */
function mute(error: unknown): Session {
  const never = () => Promise.reject(error)
  return {
    listing: { items: [], gaps: [] },
    findings: never,
    watch: () => ({ comesUp: (async function* () {})(), stop: () => {} }),
    take: () => {
      throw error
    },
  }
}
