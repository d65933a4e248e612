import type { Seen } from './history.ts'

/** What somebody may stand out in; how many that do are kept; and what is nothing. */
interface Measure {
  readonly of: (seen: Seen) => number
  readonly kept: number
  readonly least: number
}

/** KiB: less is noise of an allocator. */
const GROWN = 1024
/** Percent of one processor. */
const BUSY = 0.5

export const OF_PROCESSES: readonly Measure[] = [
  { of: ({ memory }) => memory, kept: 5, least: 1 },
  { of: ({ grown }) => grown, kept: 4, least: GROWN },
  { of: ({ cpu }) => cpu, kept: 4, least: BUSY },
  { of: ({ threads }) => threads, kept: 2, least: 2 },
  { of: ({ fds }) => fds, kept: 2, least: 1 },
]

export const OF_UNITS: readonly Measure[] = [
  { of: ({ memory }) => memory, kept: 4, least: 1 },
  { of: ({ grown }) => grown, kept: 3, least: GROWN },
  { of: ({ cpu }) => cpu, kept: 3, least: BUSY },
]

/** Those that stand out in one measure or another, each once. */
export function standOut<One extends Seen>(all: readonly One[], measures: readonly Measure[]): readonly One[] {
  const out = new Set<One>()
  for (const { of, kept, least } of measures) {
    const leading: One[] = []
    for (const one of all) {
      const value = of(one)
      if (!(value >= least)) continue
      const place = leading.findIndex((other) => of(other) < value)
      if (place >= 0) leading.splice(place, 0, one)
      else if (leading.length < kept) leading.push(one)
      if (leading.length > kept) leading.pop()
    }
    for (const one of leading) out.add(one)
  }
  return [...out]
}
