import { readFile } from 'node:fs/promises'
import { abandonable } from '../../words/deadline.ts'
import type { Range } from '../host/mappings.ts'
import { type Mapping, readMappings } from '../host/mappings.ts'
import { isDumped, parseFilter } from './dumped.ts'
import type { Segment } from './elf-core.ts'
import type { Memory } from './memory.ts'
import { populatedRuns } from './populated.ts'

/** The mappings of a process and where those that belong into a core are populated. */
export interface Survey {
  readonly mappings: readonly Mapping[]
  readonly runs: readonly Range[]
}

/** Place of memory in general, behind stacks (0) and what a debugger needs (1). */
const MEMORY_RANK = 2

/** Looks what would be dumped. `directory`: /proc/PID/task/TID; `process`: /proc/PID. */
export async function survey(directory: string, process: string, memory: Memory, signal: AbortSignal): Promise<Survey> {
  const mappings = await readMappings(`${directory}/smaps`, signal)
  const filter = parseFilter(
    await abandonable(readFile(`${process}/coredump_filter`, 'latin1'), signal).catch(() => ''),
  )
  const dumped = mappings.filter((mapping) => (mapping.populated ?? 0) > 0 && isDumped(mapping, filter))
  return { mappings, runs: await populatedRuns(dumped, memory, signal) }
}

/**
 * Segments of a whole core: every mapping is covered, what is stored of it starts one each. `held`, by address, is in the core already and
 * goes before what memory holds at its place.
 */
export function coreSegments<H extends Segment>({ mappings, runs }: Survey, held: readonly H[]): (H | Segment)[] {
  const stored = [...without(runs, held), ...held].sort((a, b) => a.start - b.start)
  const segments: (H | Segment)[] = []
  let next = 0
  for (const { start, end, permissions } of mappings) {
    const hole = { start, end, stored: 0, permissions, rank: MEMORY_RANK }
    // What was held of a mapping that is gone stands alone.
    for (; (stored[next]?.start ?? end) < start; next += 1) segments.push(whole(stored[next] as Range | H, permissions))
    if (start < (stored[next]?.start ?? end)) segments.push({ ...hole, end: Math.min(end, stored[next]?.start ?? end) })
    for (; (stored[next]?.start ?? end) < end; next += 1) {
      const until = Math.max(stored[next]?.end ?? end, Math.min(end, stored[next + 1]?.start ?? end))
      segments.push({ ...whole(stored[next] as Range | H, permissions), end: until })
    }
  }
  for (; next < stored.length; next += 1) segments.push(whole(stored[next] as Range | H, 'rw-p'))
  return segments
}

const whole = <H extends Segment>(piece: Range | H, permissions: string): H | Segment =>
  'stored' in piece ? piece : { ...piece, stored: piece.end - piece.start, permissions, rank: MEMORY_RANK }

/** Parts of `runs` that `held` does not have; both by address. */
function without(runs: readonly Range[], held: readonly Range[]): Range[] {
  const rest: Range[] = []
  let next = 0
  for (const run of runs) {
    let { start } = run
    while ((held[next]?.end ?? Infinity) <= start) next += 1
    for (let at = next; (held[at]?.start ?? Infinity) < run.end; at += 1) {
      const taken = held[at] as Range
      if (start < taken.start) rest.push({ start, end: taken.start })
      start = Math.max(start, taken.end)
    }
    if (start < run.end) rest.push({ start, end: run.end })
  }
  return rest
}
