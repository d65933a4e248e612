import type { PhysicalRange } from './iomem.ts'
import type { Scope } from './scope.ts'

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
  const kib = (name: string) => Number(new RegExp(`^${RegExp.escape(name)}: +(\\d+) kB$`, 'm').exec(meminfo)?.[1] ?? 0)
  const others = ['MemFree', 'Active', 'Inactive', 'Unevictable', 'Hugetlb'].reduce((sum, name) => sum + kib(name), 0)
  const kernel = Math.max(0, total - others * 1024) * EXTRA
  const more = scope.kind === 'kernel+shmem' ? kib('Shmem') * 1024 : scope.kind === 'kernel+unit' ? unitBytes : 0
  return Math.min(total, Math.round(kernel + more))
}
