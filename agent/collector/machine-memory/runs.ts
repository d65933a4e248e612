/** Neighbouring pages that lie together in the snapshot; `end` is the first page behind them. */
export interface Run {
  readonly start: number
  readonly end: number
  /** Place in the file: lower ones first. */
  readonly rank: number
}

interface InStretch extends Run {
  /** Which stretch of RAM it lies in. */
  readonly of: number
}

/**
 * Pages between two runs that are bridged at first, and written as zeros unless they are wanted themselves: costs nothing
 * compressed, and saves a program header (56 bytes, and a reader's search). Of a host with 26,000 kernel pages it makes 170 runs
 * and 5 % more pages; 64 would make 64 runs and 12 % more.
 */
const GAP = 4
/** Readers take fewer than 8192 program headers; 256 are left for the splits at borders of mappings. */
export const MOST_RUNS = 7936

/** Gathers wanted pages, in ascending order, into at most MOST_RUNS runs: memory stays bounded however large the machine is. */
export class RunList {
  #runs: InStretch[] = []
  #gap = GAP
  #stretch = 0

  /** What is added from here on lies in another stretch of RAM: between two there may be nothing to bridge. */
  nextStretch(): void {
    this.#stretch += 1
  }

  /** `end` is the first page behind; never before the last end. */
  add(start: number, end: number, rank: number): void {
    const last = this.#runs.at(-1)
    const next = { start, end, rank, of: this.#stretch }
    const joined = last && join(last, next, this.#gap)
    if (joined) this.#runs[this.#runs.length - 1] = joined
    else this.#runs.push(next)
    while (this.#runs.length > MOST_RUNS && this.#gap < Number.MAX_SAFE_INTEGER) this.#coarsen()
  }

  /** By page. */
  list(): readonly Run[] {
    return this.#runs
  }

  #coarsen(): void {
    this.#gap *= 2
    const kept: InStretch[] = []
    for (const run of this.#runs) {
      const last = kept.at(-1)
      const joined = last && join(last, run, this.#gap)
      if (joined) kept[kept.length - 1] = joined
      else kept.push(run)
    }
    this.#runs = kept
  }
}

/**
 * Both as one where they are close together: of one rank, or where the lesser one is so short that it may travel with the
 * better one.
 */
function join(a: InStretch, b: InStretch, gap: number): InStretch | undefined {
  if (a.of !== b.of || b.start - a.end > gap) return undefined
  const lesser = a.rank > b.rank ? a : b
  if (a.rank !== b.rank && lesser.end - lesser.start > gap) return undefined
  return { start: a.start, end: b.end, rank: Math.min(a.rank, b.rank), of: a.of }
}
