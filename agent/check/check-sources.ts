import { divide, roomOf } from '../plan/budget.ts'
import { ASSUMED_RATES, costOf } from '../plan/cost.ts'
import { makePlan, seconds } from '../plan/plan.ts'
import type { Listing } from '../wall/answers.ts'
import type { Collector } from '../wall/collector.ts'
import { sentence } from '../words/cannot.ts'
import { countOf } from '../words/count-of.ts'
import type { MemoryDetails } from '../words/details.ts'
import type { SourceName } from '../words/evidence.ts'
import { CLASS_OF } from '../words/evidence.ts'
import { formatBytes } from '../words/units.ts'
import { bad, good, note, type Remark } from './remark.ts'

/** What the sources have now, and what of it would fit into the deadline. */
export async function checkSources(
  collector: Collector,
  time: { readonly deadline: number; readonly hold: number },
  signal: AbortSignal,
): Promise<readonly Remark[]> {
  let listing: Listing
  try {
    const { look, secondLook } = divide(time.deadline, time.hold)
    ;({ listing } = await collector.open({ trigger: 'manual', boot: 'this' }, look + secondLook, signal))
  } catch (error) {
    return [bad('sources', sentence(error))]
  }
  const sources = Object.keys(CLASS_OF) as SourceName[]
  return [...sources.flatMap((source) => checkSource(source, listing)), ...checkFit(listing, time)]
}

function checkSource(source: SourceName, { items, gaps }: Listing): readonly Remark[] {
  const found = items.filter((item) => item.source === source)
  const bytes = found.reduce((sum, { bytes, holes = 0 }) => sum + bytes - holes, 0)
  return [
    ...(found.length > 0 ? [good(source, `${countOf(found.length, 'item')}, ${formatBytes(bytes)}`)] : []),
    // Which scope there is room for is to be decided before it is needed.
    ...found
      .flatMap(({ identity: { details } }) => (details?.source === 'memory' ? costsTold(details) : []))
      .map((told) => good(source, told)),
    ...found
      .flatMap(({ name, identity: { details } }) =>
        details?.source === 'files' && details.count !== undefined ? [`${details.count} of them share ${name}`] : [],
      )
      .map((told) => good(source, told)),
    ...gaps
      .filter((gap) => gap.source === source)
      .map(({ status, reason }) => (status === 'failed' ? bad(source, reason) : note(source, reason))),
  ]
}

function costsTold({ scope, costs = [] }: MemoryDetails): readonly string[] {
  const each = costs.map(({ scope, bytes, ms }) => `${scope} ${formatBytes(bytes)} in ${seconds(ms)}`)
  return each.length === 0 ? [] : [`scope ${scope}; now ${each.join(', ')}`]
}

function checkFit({ items }: Listing, { deadline, hold }: { deadline: number; hold: number }): readonly Remark[] {
  const open = items.filter(({ closed }) => closed === undefined)
  const plan = makePlan(open, roomOf(divide(deadline, hold)), ASSUMED_RATES)
  const ms = open.reduce((sum, item) => sum + costOf(item, item.bytes, ASSUMED_RATES).ms, 0)
  const short = plan.filter(({ decision }) => decision !== 'take')
  const store = `${formatBytes(ASSUMED_RATES.store)}/s to the store`
  if (short.length === 0)
    return [good('fit', `all of it takes about ${seconds(ms)} of ${seconds(deadline)}, at ${store}`)]
  return short.map(({ item, decision, limit, reason }) =>
    note(
      'fit',
      `${item.name}: ${decision === 'skip' ? 'no room' : `about ${formatBytes(limit)} of it fit`}: ${reason}, at ${store}`,
    ),
  )
}
