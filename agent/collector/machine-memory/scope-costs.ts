import { ASSUMED_RATES, costOf } from '../../plan/cost.ts'
import type { MemoryDetails } from '../../words/details.ts'
import { parseScope } from '../../words/memory-scope.ts'
import { estimateBytes } from './estimate.ts'
import type { PhysicalRange } from './iomem.ts'

type Costs = NonNullable<MemoryDetails['costs']>

/** A unit's scope is the kernel's and that unit's processes. */
const SCOPES = ['kernel', 'kernel+shmem', 'all']

/**
 * What each scope would take of this machine now: bytes before compression, and ms at the rates that a plan assumes. `ratio`: bytes
 * stored per byte read.
 */
export function scopeCosts(ram: readonly PhysicalRange[], meminfo: string, ratio: number): Costs {
  return SCOPES.map((name) => {
    const bytes = estimateBytes(parseScope(name), ram, meminfo, 0)
    return { scope: name, bytes, ms: costOf({ ratio }, bytes, ASSUMED_RATES).ms }
  })
}
