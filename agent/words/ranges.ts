/** A stretch of bytes, `to` not among them. */
export interface Range {
  readonly from: number
  readonly to: number
}

/** The same bytes as ranges in order, none of which touches another, and none beyond `end`. */
export function joined(ranges: readonly Range[], end = Number.POSITIVE_INFINITY): Range[] {
  const all: { from: number; to: number }[] = []
  for (const { from, to } of ranges.toSorted((a, b) => a.from - b.from)) {
    const last = all.at(-1)
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, Math.min(to, end))
    else if (from < Math.min(to, end)) all.push({ from, to: Math.min(to, end) })
  }
  return all
}

/** Whether any of the ranges has a byte in common with this one. */
export function overlaps(ranges: readonly Range[], from: number, to: number): boolean {
  return ranges.some((range) => range.from < to && range.to > from)
}

/** How many bytes they are, of ranges that do not touch. */
export function lengthOf(ranges: readonly Range[]): number {
  return ranges.reduce((sum, { from, to }) => sum + to - from, 0)
}
