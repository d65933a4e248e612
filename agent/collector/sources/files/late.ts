import { isCompressed, SMALL_BYTES } from './choose.ts'
import { idOf } from './find-again.ts'
import type { Seen } from './seen.ts'
import type { SmallFile } from './small-files.ts'

/** Files, and bytes, that are taken at the end: it is the reserve that they take their time from. */
const MOST_LATE = 200
const MOST_LATE_BYTES = 4 * 1024 * 1024
/** Digits of the longest file, 2^63 bytes: so names of pieces sort in order. */
const DIGITS = 19

/** What a capture has seen and read of files until its last look. */
export interface SoFar {
  /** When it looked: ms since the epoch. */
  readonly looked: number
  readonly paths: ReadonlySet<string>
  readonly ids: ReadonlySet<string>
  /** Up to where a file was read, by its id. */
  readonly read: ReadonlyMap<string, number>
}

/**
 * What was written since, the newest first: what has grown, from where it was read to, and files that are new. Those that share a tar only, and of what
 * has grown more, its newest end; what was not taken in the first place is not taken now.
 */
export function lateFiles(
  now: readonly Seen[],
  soFar: SoFar,
  isMemory: (path: string) => boolean,
): readonly SmallFile[] {
  let bytes = 0
  const late: SmallFile[] = []
  for (const seen of now.toSorted((a, b) => b.mtimeMs - a.mtimeMs)) {
    const file = isCompressed(seen.path) || isMemory(seen.path) ? undefined : lateOf(seen, soFar)
    if (file === undefined) continue
    bytes += Math.min(SMALL_BYTES, seen.size - (file.from ?? 0))
    if (late.length === MOST_LATE || bytes > MOST_LATE_BYTES) break
    late.push(file)
  }
  return late
}

function lateOf(seen: Seen, { looked, paths, ids, read }: SoFar): SmallFile | undefined {
  const id = idOf(seen)
  const to = read.get(id)
  if (to !== undefined)
    return seen.size > to ? { seen, from: to, suffix: `+${`${to}`.padStart(DIGITS, '0')}` } : undefined
  // A file may have been moved here that is none of this capture's.
  const isNew = !ids.has(id) && seen.mtimeMs >= looked
  if (!isNew || seen.size === 0 || seen.size >= SMALL_BYTES) return undefined
  return { seen, ...(paths.has(seen.path) && { suffix: '+new' }) }
}
