import type { Range } from '../host/mappings.ts'
import type { Memory } from './memory.ts'

/** Shorter gaps are stored as zeros, which compress to next to nothing: in pages. */
const LEAST_GAP = 16
/** Runs of a whole core, as 2 MiB of program headers; where memory is more fragmented, longer gaps are stored too. */
const MOST_RUNS = 32_768

interface Run {
  readonly start: number
  end: number
  /** Which of the ranges it lies in: no run goes from one to the next. */
  readonly of: number
}

/** Where the given ranges are populated, as runs of pages: at most `most` of them, or one for each range. */
export async function populatedRuns(
  ranges: readonly Range[],
  memory: Memory,
  signal: AbortSignal,
  most = MOST_RUNS,
): Promise<Range[]> {
  let gap = LEAST_GAP * memory.pageSize
  let runs: Run[] = []
  for (const [of, range] of ranges.entries()) {
    for await (const { start, end } of memory.runs(range, signal)) {
      add(runs, { start, end, of }, gap)
      while (runs.length > most && gap < Number.MAX_SAFE_INTEGER) {
        gap *= 2
        const joined: Run[] = []
        for (const run of runs) add(joined, run, gap)
        runs = joined
      }
    }
  }
  return runs.map(({ start, end }) => ({ start, end }))
}

function add(runs: Run[], run: Run, gap: number): void {
  const last = runs.at(-1)
  if (last?.of === run.of && run.start - last.end < gap) last.end = run.end
  else runs.push(run)
}
