import { ASSUMED_RATES, costOf } from '../../plan/cost.ts'
import { seconds } from '../../plan/plan.ts'
import { parseScope } from '../../words/memory-scope.ts'
import { formatBytes } from '../../words/units.ts'
import { estimateBytes } from './estimate.ts'
import type { PhysicalRange } from './iomem.ts'

/** A unit's scope is the kernel's and that unit's processes. */
const SCOPES = ['kernel', 'kernel+shmem', 'all']

/**
 * What each scope would take of this machine now, before compression and at the rates that a plan assumes:
 * `kernel 96MiB in 1s, kernel+shmem 112MiB in 1s, all 4GiB in 21s`. `ratio`: bytes stored per byte read.
 */
export function scopeCosts(ram: readonly PhysicalRange[], meminfo: string, ratio: number): string {
  return SCOPES.map((name) => {
    const bytes = estimateBytes(parseScope(name), ram, meminfo, 0)
    return `${name} ${formatBytes(bytes)} in ${seconds(costOf({ ratio }, bytes, ASSUMED_RATES).ms)}`
  }).join(', ')
}
