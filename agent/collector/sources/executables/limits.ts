import type { Executable } from '../../elf/executable.ts'
import type { Program } from './program.ts'

/** Each file is an object of its own, with its own requests. */
export const MOST_FILES = 100
/** A program with its debug information is a GiB at the very most. */
export const MOST_BYTES = 2 * 1024 ** 3

/** A file that is worth keeping, and what it says of itself. */
export type Kept = readonly [Program, Executable]

/** What one capture takes: programs before libraries, the smaller ones first; what is too large keeps out nothing smaller. Pure. */
export function withinLimits(kept: readonly Kept[]): {
  readonly taken: readonly Kept[]
  readonly left: readonly Kept[]
} {
  const ordered = kept.toSorted(([a], [b]) => Number(b.isMain) - Number(a.isMain) || a.bytes - b.bytes)
  let room = MOST_BYTES
  const taken: Kept[] = []
  const left: Kept[] = []
  for (const one of ordered) {
    const isIn = one[0].bytes <= room && taken.length < MOST_FILES
    if (isIn) room -= one[0].bytes
    ;(isIn ? taken : left).push(one)
  }
  return { taken, left }
}
