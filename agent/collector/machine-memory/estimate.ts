import type { Scope } from '../../words/memory-scope.ts'
import { numberOf } from '../host/process-files.ts'
import type { PhysicalRange } from './iomem.ts'

/** Gaps that are bridged, and what the kernel takes until the snapshot is made. */
const EXTRA = 1.25

/**
 * Bytes of a snapshot, without looking at a single page: RAM by /proc/iomem, and /proc/meminfo for what is not the kernel's
 * (proc_meminfo(5)). `unitBytes`: what the unit's processes have in memory.
 */
export function estimateBytes(scope: Scope, ram: readonly PhysicalRange[], meminfo: string, unitBytes: number): number {
  const total = ram.reduce((sum, { start, end }) => sum + end - start, 0)
  if (scope.kind === 'off') return 0
  if (scope.kind === 'all') return total
  const bytes = (name: string) => numberOf(meminfo, name) ?? 0
  const others = ['MemFree', 'Active', 'Inactive', 'Unevictable', 'Hugetlb'].reduce((sum, name) => sum + bytes(name), 0)
  const kernel = Math.max(0, total - others) * EXTRA
  const more = scope.kind === 'kernel+shmem' ? bytes('Shmem') : scope.kind === 'kernel+unit' ? unitBytes : 0
  return Math.min(total, Math.round(kernel + more))
}
