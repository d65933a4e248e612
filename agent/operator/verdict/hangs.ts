import type { Receipt } from '../../bundle/schema.ts'
import { stuckTold, troubleTold } from '../bundle/details-told.ts'

/**
 * What a bundle tells of processes that hung while they lived: of the stacks, the threads that matter first, and why each process was
 * chosen of which there is a full core.
 */
export function hangs(receipts: readonly Receipt[]): readonly string[] {
  return receipts.flatMap(({ artifact, details, item: { unit } }) => {
    if (details?.source === 'stacks') return stuckTold(details) ?? []
    if (details?.source !== 'live' || details.trouble === undefined) return []
    const { trouble } = details
    const isNamed = trouble.kind === 'short' ? trouble.group === unit : trouble.kind !== 'blocked'
    return `${artifact}: ${troubleTold(trouble, unit)}${unit === undefined || isNamed ? '' : `, ${unit}`}`
  })
}
