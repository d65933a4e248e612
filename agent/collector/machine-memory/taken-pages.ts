import type { Run } from './runs.ts'

/** Which pages of the runs have been read: one bit each. */
export class TakenPages {
  readonly #runs: readonly { readonly run: Run; readonly bits: Uint8Array }[]
  readonly #ofRun: ReadonlyMap<Run, Uint8Array>

  constructor(order: readonly Run[]) {
    const byPage = order.toSorted((a, b) => a.start - b.start)
    this.#runs = byPage.map((run) => ({ run, bits: new Uint8Array(Math.ceil((run.end - run.start) / 8)) }))
    this.#ofRun = new Map(this.#runs.map(({ run, bits }) => [run, bits]))
  }

  add(run: Run, start: number, end: number): void {
    const bits = this.#ofRun.get(run)
    if (bits === undefined) return
    for (let bit = start - run.start; bit < end - run.start; bit++)
      bits[bit >> 3] = (bits[bit >> 3] ?? 0) | (1 << (bit & 7))
  }

  /** Tells of one page after the other, in ascending order, the rank of the run of which it has been read; undefined where it has not. */
  ask(): (page: number) => number | undefined {
    let next = 0
    return (page) => {
      while ((this.#runs[next]?.run.end ?? Number.POSITIVE_INFINITY) <= page) next++
      const entry = this.#runs[next]
      if (entry === undefined || page < entry.run.start) return undefined
      const bit = page - entry.run.start
      return ((entry.bits[bit >> 3] ?? 0) & (1 << (bit & 7))) === 0 ? undefined : entry.run.rank
    }
  }
}
