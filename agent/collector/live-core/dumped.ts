import type { Mapping } from '../host/mappings.ts'

/** Bits of /proc/PID/coredump_filter: core(5). */
const ANONYMOUS_PRIVATE = 1 << 0
const ANONYMOUS_SHARED = 1 << 1
const FILE_PRIVATE = 1 << 2
const FILE_SHARED = 1 << 3
const HUGE_PRIVATE = 1 << 5
const HUGE_SHARED = 1 << 6
/** What the kernel starts with; bit 4, the first pages of ELF files, is always taken as set. */
export const DEFAULT_FILTER = 0x33

/**
 * Whether the kernel would dump a mapping (of smaps) with this filter: fs/coredump.c, vma_dump_size(). What a file still holds
 * unchanged is not dumped by default, nor what the program asked to leave out (MADV_DONTDUMP), nor devices.
 */
export function isDumped(mapping: Mapping, filter: number): boolean {
  const flags = mapping.flags ?? []
  const isShared = mapping.permissions[3] === 's'
  if (flags.includes('dd') || mapping.path === '[vsyscall]') return false
  if (flags.includes('ht')) return (filter & (isShared ? HUGE_SHARED : HUGE_PRIVATE)) !== 0
  if (flags.includes('io')) return false
  // A shared mapping without a name in any directory is memory, whatever file the kernel keeps it in.
  if (isShared) return (filter & (mapping.path.endsWith(' (deleted)') ? ANONYMOUS_SHARED : FILE_SHARED)) !== 0
  if ((filter & ANONYMOUS_PRIVATE) !== 0 && (mapping.own ?? 0) > 0) return true
  return mapping.inode !== 0 && (filter & FILE_PRIVATE) !== 0
}

/** Reads what /proc/PID/coredump_filter holds: a hexadecimal number. */
export function parseFilter(text: string): number {
  const filter = Number.parseInt(text, 16)
  return Number.isNaN(filter) ? DEFAULT_FILTER : filter
}
