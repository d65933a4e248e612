import type { ListedItem, Phase } from '../words/evidence.ts'
import { formatBytes } from '../words/units.ts'
import type { Room } from './budget.ts'
import { bytesWithin, type Cost, costOf, type Rates } from './cost.ts'

/** What shall become of an item. A closed one is skipped whatever the time. */
export type Decision = 'take' | 'degrade' | 'skip'

export interface Planned {
  readonly item: ListedItem
  readonly decision: Decision
  /** Bytes of content that are expected to fit: all of them unless degraded. */
  readonly limit: number
  /** Cost of all of it. */
  readonly cost: Cost
  readonly reason?: string
  /** It is the bytes of the whole bundle that do not suffice, and not the time. */
  readonly because?: 'limit'
}

const PHASES: readonly Phase[] = ['facts', 'live', 'stored']

/** A prefix that takes less than this to store says too little to be worth its requests. */
const LEAST_USEFUL_BYTES = 256 * 1024

const DECISIONS: readonly Decision[] = ['take', 'degrade', 'skip']

interface Costed {
  readonly item: ListedItem
  /** Of all of it. */
  readonly cost: Cost
}

/** Which of two comes first within its phase. */
export type Order = (a: Costed, b: Costed) => number

/** Small valuable things first. */
export const byWorth: Order = (a, b) => b.item.value / b.cost.ms - a.item.value / a.cost.ms
/** What costs least first: for what has failed once already, so that it may be in vain. */
export const byCost: Order = (a, b) => a.cost.ms - b.cost.ms

/**
 * The artifacts in the order in which they will be taken: by phase, then what fits into the room whole, then what must be
 * degraded to the part that fits into what is left, then what is skipped; within these by `order`, then by name. Pure: the same
 * inventory gives the same plan.
 */
export function makePlan(
  items: readonly ListedItem[],
  room: Room,
  rates: Rates,
  order: Order = byWorth,
): readonly Planned[] {
  const ordered = items
    .map((item): Costed => ({ item, cost: costOf(item, item.bytes, rates) }))
    .sort(
      (a, b) =>
        PHASES.indexOf(a.item.phase) - PHASES.indexOf(b.item.phase) ||
        order(a, b) ||
        (a.item.name < b.item.name ? -1 : 1),
    )
  const whole = new Set<ListedItem>()
  const { fits, bytes } = withinBytes(ordered, room.bytes ?? Number.POSITIVE_INFINITY, order)
  const left = { ...room, bytes }
  const leftFor = ({ phase }: ListedItem) => (phase === 'stored' ? left.all : Math.min(left.live, left.all))
  const spend = ({ phase }: ListedItem, ms: number) => {
    left.all -= ms
    if (phase !== 'stored') left.live -= ms
  }
  for (const { item, cost } of ordered) {
    if (item.closed !== undefined || cost.ms > leftFor(item) || !fits.has(item)) continue
    whole.add(item)
    spend(item, cost.ms)
  }
  const decided = ordered.map(({ item, cost }): Planned => {
    if (item.closed !== undefined) return { item, decision: 'skip', limit: 0, cost, reason: item.closed }
    if (whole.has(item)) return { item, decision: 'take', limit: item.bytes, cost }
    const inTime = bytesWithin(item, leftFor(item), rates)
    const byBytes = fits.has(item) || item.ratio === 0 ? item.bytes : Math.floor(left.bytes / item.ratio)
    const limit = Math.min(inTime, byBytes)
    const why: Pick<Planned, 'reason' | 'because'> =
      byBytes < inTime
        ? { reason: `bundle.limit leaves ${formatBytes(left.bytes)}`, because: 'limit' }
        : { reason: `needs about ${seconds(cost.ms)}, ${seconds(Math.max(0, leftFor(item)))} are left` }
    if (limit * item.ratio < LEAST_USEFUL_BYTES) return { item, decision: 'skip', limit: 0, cost, ...why }
    const spent = costOf(item, limit, rates)
    spend(item, spent.ms)
    if (!fits.has(item)) left.bytes = Math.max(0, left.bytes - spent.bytesStored)
    return { item, decision: 'degrade', limit, cost, ...why }
  })
  return decided.sort(
    (a, b) =>
      PHASES.indexOf(a.item.phase) - PHASES.indexOf(b.item.phase) ||
      DECISIONS.indexOf(a.decision) - DECISIONS.indexOf(b.decision),
  )
}

/** Which of them the bytes suffice for, whatever their phase: what comes first shall not take them from what is worth more; and the bytes that are left. */
function withinBytes(all: readonly Costed[], most: number, order: Order) {
  const fits = new Set<ListedItem>()
  let bytes = most
  for (const { item, cost } of all.toSorted(order)) {
    if (item.closed !== undefined || cost.bytesStored > bytes) continue
    fits.add(item)
    bytes -= cost.bytesStored
  }
  return { fits, bytes }
}

/** Milliseconds as a person says them: `0.4 s`, `41 s`. */
export function seconds(ms: number): string {
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`
}
