import type { AuxiliaryVector } from '../host/auxiliary-vector.ts'
import type { Mapping, Range } from '../host/mappings.ts'
import { mappingAt } from './stacks.ts'

/** Most that is kept: the variables of nearly every program; a table of a large one that is cut harms nobody. */
const MOST = 512 * 1024

/**
 * Where the executable's own variables lie: who owns which mutex, and for Go the stack of its first thread. Its writable mappings, and
 * what follows them without a file (.bss).
 */
export function globals(mappings: readonly Mapping[], { headers }: AuxiliaryVector): Range[] {
  const path = mappingAt(mappings, headers)?.path
  const ranges: Range[] = []
  let left = MOST
  let last = Number.NaN
  for (const { start, end, path: file, permissions, inode } of mappings) {
    const isOwn = file === path || (inode === 0 && file === '' && start === last)
    if (!isOwn) continue
    last = end
    if (!permissions.startsWith('rw') || left === 0) continue
    ranges.push({ start, end: Math.min(end, start + left) })
    left -= Math.min(left, end - start)
  }
  return ranges
}
