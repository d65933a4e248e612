import type { Receipt } from '../../bundle/schema.ts'
import { homeOf } from '../../findings/sentence.ts'
import { formatBytes } from '../../words/units.ts'

/** Who is named before the rest is a number. */
const TOLD = 3

/** What the recorder has seen of the ten minutes before the end, in a line; none where nobody grew by much. */
export function beforeTheEnd(receipts: readonly Receipt[]): readonly string[] {
  return receipts.flatMap(({ details }) => {
    if (details?.source !== 'facts' || details.grew === undefined || details.grew.length === 0) return []
    const { grew, available } = details
    const named = grew.slice(0, TOLD).map(({ comm, pid, unit, grown, memory, killed }) => {
      const who = comm === undefined ? unit : `${comm}${pid === undefined ? '' : ` (${pid})`}`
      const home = comm === undefined ? undefined : homeOf({ unit })
      const fate = killed ? ', and was killed' : ''
      return `${who ?? '?'}${home === undefined ? '' : ` of ${home}`} by ${formatBytes(grown)} to ${formatBytes(memory)}${fate}`
    })
    const more = grew.length > named.length ? `; and ${grew.length - named.length} more` : ''
    const left =
      available === undefined
        ? ''
        : `; of ${formatBytes(available.from)} that were available, ${formatBytes(available.least)} were left`
    return `${named.join('; ')}${more}${left}`
  })
}
