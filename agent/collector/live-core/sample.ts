import type { Range } from '../host/mappings.ts'
import type { Memory } from './memory.ts'
import { Pages } from './pages.ts'
import type { Survey } from './survey.ts'

/** Pages of a sample: a tenth that is torn is found as a tenth give or take 3 %, for a few ms at a standstill. */
const SAMPLE = 128

/** Pages spread evenly over the populated memory that the process may write to: where to look for change. */
export function samplePlaces({ mappings, runs }: Survey, pageSize: number): Range[] {
  const writable = writableRuns({ mappings, runs })
  const step = bytesOf(writable) / SAMPLE
  const places: Range[] = []
  let passed = 0
  for (const { start, end } of writable) {
    for (; places.length < SAMPLE && (places.length + 0.5) * step < passed + end - start; ) {
      const page = Math.floor(((places.length + 0.5) * step - passed) / pageSize) * pageSize
      places.push({ start: start + page, end: start + page + pageSize })
    }
    passed += end - start
  }
  return places
}

/** Parts of the runs that lie in writable mappings. Runs and mappings are in order, and no run goes over a mapping's end. */
export function writableRuns({ mappings, runs }: Survey): Range[] {
  let next = 0
  return runs.filter(({ start }) => {
    while ((mappings[next]?.end ?? Infinity) <= start) next += 1
    return mappings[next]?.permissions[1] === 'w'
  })
}

export const bytesOf = (ranges: readonly Range[]) => ranges.reduce((sum, { start, end }) => sum + end - start, 0)

/** Pages as they were at the standstill, to be compared with what is read later. */
export class Sample {
  readonly #pages: [number, Buffer][]
  #seen = 0
  #changed = 0

  private constructor(pages: [number, Buffer][]) {
    this.#pages = pages
  }

  static async take(places: readonly Range[], memory: Memory, signal: AbortSignal): Promise<Sample> {
    const pages = new Pages(memory)
    await pages.keepAll(places, signal)
    return new Sample(pages.sorted())
  }

  /** Looks whether those of its pages that were just read are what they were. */
  compare(start: number, bytes: Buffer): void {
    for (const [page, before] of this.#pages) {
      if (page < start || page + before.length > start + bytes.length) continue
      this.#seen += 1
      if (!before.equals(bytes.subarray(page - start, page - start + before.length))) this.#changed += 1
    }
  }

  /** The share of pages that changed, of those that were compared. */
  get torn(): number {
    return this.#seen === 0 ? 0 : this.#changed / this.#seen
  }
}
