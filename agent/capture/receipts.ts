import { BUNDLE_VERSION } from '../bundle/keys.ts'
import type { PlanDocument, Receipt } from '../bundle/schema.ts'
import type { Rates } from '../plan/cost.ts'
import type { Planned } from '../plan/plan.ts'
import type { Written } from '../store/write-object.ts'
import type { Taken } from '../wall/answers.ts'
import type { Because } from '../words/evidence.ts'
import { CLASS_OF, type InventoryGap, type ListedItem, type SourceName } from '../words/evidence.ts'
import type { Blame } from './blame.ts'

/** How an artifact came to be stored. */
export interface Delivery {
  readonly written: Written
  /** The collector's word on it; undefined where it was cut off before saying. */
  readonly taken: Taken | undefined
  /** Why it is not whole, where that is known on this side of the wall. */
  readonly stopped: Blame | undefined
  readonly ms: number
}

/** The receipt of what is in the store, whole or not. */
export function storedReceipt(planned: Planned, { written, taken, stopped, ms }: Delivery): Receipt {
  const { item, cost } = planned
  const blame = stopped ?? shortfall(taken)
  const { freezeMs, details, ...identity } = { ...item.identity, ...taken?.identity }
  return {
    ...base(item),
    status: blame === undefined ? 'complete' : 'truncated',
    ...blame,
    item: identity,
    ...(details !== undefined && { details }),
    encoding: item.encoding,
    bytesIn: taken?.bytesIn ?? 0,
    bytesStored: written.bytes,
    sha256: written.sha256,
    objects: written.segments.map(({ key, bytes, sha256 }) => ({ name: key, bytes, sha256 })),
    ...(taken?.frames !== undefined && { frames: taken.frames }),
    ms: Math.round(ms),
    ...(freezeMs !== undefined && { freezeMs }),
    ...(blame?.because === 'deadline' && { needed: { bytesStored: cost.bytesStored, ms: cost.ms } }),
  }
}

function shortfall(taken: Taken | undefined): Blame | undefined {
  if (taken === undefined) return { because: 'collector', reason: 'the collector did not say how it ended' }
  return taken.truncated === undefined ? undefined : { because: 'host', reason: taken.truncated }
}

/** The receipt of an artifact that was not begun: with what it would have needed. */
export function skippedReceipt({ item, cost }: Pick<Planned, 'item' | 'cost'>, { because, reason }: Blame): Receipt {
  const needed = because === 'deadline' ? { needed: { bytesStored: cost.bytesStored, ms: cost.ms } } : {}
  return { ...base(item), status: 'skipped', reason, because, ...needed }
}

/** The receipt of an artifact of which nothing is in the store. */
export function failedReceipt(item: ListedItem, { because, reason }: Blame, ms: number): Receipt {
  return { ...base(item), status: 'failed', reason, because, ms: Math.round(ms) }
}

/** The receipt of the last of several tries: it tells of the first as well. */
export function withEarlier(first: string | undefined, receipt: Receipt, tries: number): Receipt {
  if (first === undefined) return receipt
  if (receipt.reason === first) return { ...receipt, reason: `${first} (tried ${tries} times)` }
  const told = `at first: ${first}`
  if (receipt.reason !== undefined) return { ...receipt, reason: `${receipt.reason}; ${told}` }
  const note = receipt.item.note === undefined ? told : `${receipt.item.note}; ${told}`
  return { ...receipt, item: { ...receipt.item, note } }
}

/** What has failed and was to be tried again stays what it is, and says why it was not. */
export function withLater(earlier: Receipt | undefined, receipt: Receipt): Receipt {
  return earlier === undefined ? receipt : { ...earlier, reason: `${earlier.reason}; then: ${receipt.reason}` }
}

/** The receipt of a source that had nothing to give, or could not be asked. */
export function gapReceipt(gap: InventoryGap): Receipt {
  const { source, class: of, status, reason, identity = {} } = gap
  const { details, ...known } = identity
  const because = gap.because ?? BEHIND[status]
  return {
    ...{ ...nothing, artifact: source, class: of, source, status, reason, item: known },
    ...(details !== undefined && { details }),
    ...(because !== undefined && { because }),
  }
}

/** Who is behind a gap, where nobody says otherwise. */
const BEHIND: Readonly<Record<InventoryGap['status'], Because | undefined>> = {
  absent: undefined,
  failed: 'host',
  skipped: 'limit',
}

/** The receipt of a source that could not even be asked. */
export function unaskedReceipt(source: SourceName, blame: Blame): Receipt {
  return { ...nothing, artifact: source, class: CLASS_OF[source], source, status: 'failed', ...blame }
}

/** The receipt of what the collector did not tell: whether more has come up. */
export function untoldReceipt({ because, reason }: Blame): Receipt {
  const source = 'collector'
  return {
    ...nothing,
    artifact: source,
    class: 'open',
    source,
    status: 'failed',
    because,
    reason: `cannot ask what has come up since: ${reason}`,
  }
}

const nothing = { item: {}, sealed: false, bytesIn: 0, bytesStored: 0, objects: [], ms: 0 } as const

function base({ name, class: of, source, identity, sealed }: ListedItem) {
  const { details, ...known } = identity
  const more = details === undefined ? {} : { details }
  return { ...nothing, artifact: name, class: of, source, item: known, ...more, sealed }
}

/** The plan as it is stored, before anything is collected. */
export function planDocument(bundle: string, plan: readonly Planned[], rates: Rates): PlanDocument {
  return {
    version: BUNDLE_VERSION,
    bundle,
    rates,
    artifacts: plan.map(({ item, decision, limit, cost, reason }) => ({
      artifact: item.name,
      source: item.source,
      class: item.class,
      phase: item.phase,
      decision: item.when === 'trouble' && decision !== 'skip' ? 'if-trouble' : decision,
      limit,
      bytes: item.bytes,
      estimate: { bytesStored: cost.bytesStored, ms: cost.ms },
      ...(reason !== undefined && { reason }),
    })),
  }
}
