import type { Receipt } from '../bundle/schema.ts'
import { abandonable } from '../deadline.ts'
import { ASSUMED_RATES, observed } from '../plan/cost.ts'
import { makePlan, type Planned } from '../plan/plan.ts'
import { PART_BYTES } from '../store/store.ts'
import type { ListedItem } from '../wall/answers.ts'
import { skippedReceipt } from './receipts.ts'
import { type Ground, takeArtifact } from './take-artifact.ts'

/** Small artifacts on their way at once: round trips overlap, and a part each is what memory they take. */
const SMALL_AT_ONCE = 3

/**
 * Takes the items in the order of a plan that is made anew, with the time and the rates as they have become, before each.
 * Small ones go side by side, a big one alone. Receipts are added as they are begun; returns once all are read from the
 * host (their uploads may go on), or rejects nothing when `until` ends first.
 */
export async function takeInOrder(
  items: readonly ListedItem[],
  ground: Ground,
  receipts: (Receipt | Promise<Receipt>)[],
  until: AbortSignal,
): Promise<void> {
  const underway = new Set<Promise<unknown>>()
  const collected: Promise<void>[] = []
  let rest = items
  let rates = ASSUMED_RATES
  while (rest.length > 0) {
    const [next, ...others] = makePlan(rest, ground.left(), rates) as [Planned, ...Planned[]]
    while (underway.size > (isBig(next) ? 0 : SMALL_AT_ONCE - 1)) await Promise.race(underway)
    rest = rest.filter((item) => item !== next.item)
    if (next.decision === 'skip') {
      receipts.push(skippedReceipt(next, next.item.closed === undefined ? 'deadline' : 'seal', next.reason ?? ''))
      continue
    }
    const taking = takeArtifact(next, timeOf(others), ground)
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

/** What those that are expected to fit whole need together, ms. */
function timeOf(plan: readonly Planned[]): number {
  return plan.filter(({ decision }) => decision === 'take').reduce((sum, { cost }) => sum + cost.ms, 0)
}

function isBig({ cost }: Planned): boolean {
  return cost.bytesStored > PART_BYTES
}
