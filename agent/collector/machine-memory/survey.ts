import type { MemoryMap, PhysicalRange } from './iomem.ts'
import type { KcoreMap } from './kcore-map.ts'
import type { PageFlags } from './page-flags.ts'
import { type Run, RunList } from './runs.ts'
import { type Wanted, wants } from './wanted.ts'

/** RAM that /proc/kcore gives, in pages. */
export interface PageRange {
  readonly start: number
  readonly end: number
}

/** Before everything else: the kernel's own variables, and its tasks. Without the former nothing else is found. */
export const DATA_RANK = -1

/** RAM that lies in the direct map: what the firmware calls RAM and the kernel does not use is in one of them only. */
export function readableRam({ ram }: MemoryMap, { direct }: KcoreMap, pageSize: number): readonly PageRange[] {
  return ram
    .flatMap((range) => direct.map((mapping) => overlap(range, mapping)))
    .filter(({ start, end }) => start < end)
    .map(({ start, end }) => ({ start: Math.ceil(start / pageSize), end: Math.floor(end / pageSize) }))
    .filter(({ start, end }) => start < end)
    .sort((a, b) => a.start - b.start)
}

/**
 * Looks at the class of every page of RAM and gives the runs to be written, by page. Memory is bounded (RunList). `first`: what
 * comes before everything else, disjoint and ascending.
 */
export async function surveyMemory(
  ram: readonly PageRange[],
  first: readonly PageRange[],
  wanted: Wanted,
  flags: PageFlags,
  signal: AbortSignal,
): Promise<readonly Run[]> {
  const runs = new RunList()
  const isFirst = within(first)
  for (const { start, end } of ram) {
    runs.nextStretch()
    const isWanted = wants(wanted, start)
    for await (const { first: firstPage, classes } of flags.scan(start, end, signal)) {
      let from = -1
      let rank = 0
      for (let index = 0; index < classes.length; index++) {
        const page = firstPage + index
        const classified = classes[index] ?? 0
        const now = isWanted(page, classified) ? (isFirst(page) ? DATA_RANK : classified) : undefined
        if (from >= 0 && now === rank) continue
        if (from >= 0) runs.add(from, page, rank)
        from = now === undefined ? -1 : page
        rank = now ?? 0
      }
      if (from >= 0) runs.add(from, firstPage + classes.length, rank)
    }
  }
  return runs.list()
}

/** Tells of one page after the other, in ascending order, whether it lies in one of the ranges. */
function within(ranges: readonly PageRange[]): (page: number) => boolean {
  let next = 0
  return (page) => {
    while ((ranges[next]?.end ?? Number.POSITIVE_INFINITY) <= page) next++
    return (ranges[next]?.start ?? Number.POSITIVE_INFINITY) <= page
  }
}

function overlap(a: PhysicalRange, b: PhysicalRange): PhysicalRange {
  return { start: Math.max(a.start, b.start), end: Math.min(a.end, b.end) }
}
