import type { Receipt } from '../bundle/schema.ts'
import { ASSUMED_RATES, observed, type Rates } from '../plan/cost.ts'
import { makePlan, type Planned } from '../plan/plan.ts'
import { PART_BYTES } from '../store/store.ts'
import { abandonable } from '../words/deadline.ts'
import type { ListedItem } from '../words/evidence.ts'
import { skippedReceipt } from './receipts.ts'
import { type Ground, takeArtifact } from './take-artifact.ts'

/** Small artifacts on their way at once: round trips overlap, and a part each is what memory they take. */
const SMALL_AT_ONCE = 3

/** A plan is as good as the time and the rates that it was made with; making one of 10,000 items takes 20 ms. */
const REPLAN_MS = 500

/**
 * Takes the items in the order of a plan that is made anew as time passes and rates become known. Small ones go side by
 * side, a big one alone. Receipts are added as they are begun; returns once all are read from the host (their uploads may
 * go on), or when `until` ends first. Never rejects.
 */
export async function takeInOrder(
  items: readonly ListedItem[],
  ground: Ground,
  receipts: (Receipt | Promise<Receipt>)[],
  until: AbortSignal,
): Promise<void> {
  const underway = new Set<Promise<unknown>>()
  const collected: Promise<void>[] = []
  let rates = ASSUMED_RATES
  let plan = planned(items, ground.left(), rates)
  while (plan.queue.length > 0) {
    if (performance.now() - plan.at > REPLAN_MS)
      plan = planned(
        plan.queue.map(({ item }) => item),
        ground.left(),
        rates,
      )
    const next = plan.queue.shift() as Planned
    if (next.decision === 'take') plan.waiting -= next.cost.ms
    if (next.decision === 'skip') {
      receipts.push(skippedReceipt(next, next.item.closed === undefined ? 'deadline' : 'seal', next.reason ?? ''))
      continue
    }
    while (underway.size > (isBig(next) ? 0 : SMALL_AT_ONCE - 1)) await Promise.race(underway)
    const taking = takeArtifact(next, plan.waiting, ground)
    const receipt = taking.receipt.then((settled) => {
      underway.delete(receipt)
      rates = observed(rates, settled)
      return settled
    })
    underway.add(receipt)
    receipts.push(receipt)
    collected.push(taking.collected)
    if (isBig(next)) await receipt
  }
  await abandonable(Promise.all(collected), until).catch(() => {})
}

interface Queue {
  readonly queue: Planned[]
  /** When it was made, on the monotonic clock. */
  readonly at: number
  /** What those in it that are expected to fit whole need together, ms. */
  waiting: number
}

function planned(items: readonly ListedItem[], left: number, rates: Rates): Queue {
  const queue = [...makePlan(items, left, rates)]
  const whole = queue.filter(({ decision }) => decision === 'take')
  return { queue, at: performance.now(), waiting: whole.reduce((sum, { cost }) => sum + cost.ms, 0) }
}

function isBig({ cost }: Planned): boolean {
  return cost.bytesStored > PART_BYTES
}
