import { FREE, MISSING } from './page-class.ts'

/** Which pages a snapshot shall hold. */
export interface Wanted {
  /** Whole classes, as positions in CLASSES. */
  readonly classes: ReadonlySet<number>
  /** Single pages, ascending: those of a unit's processes. */
  readonly pages: Uint32Array
}

/** Tells of one page after the other, in ascending order, whether it is wanted. */
export function wants({ classes, pages }: Wanted, from: number): (page: number, classified: number) => boolean {
  const whole = new Uint8Array(MISSING + 1)
  for (const index of classes) whole[index] = 1
  let next = firstFrom(pages, from)
  return (page, classified) => {
    while (next < pages.length && (pages[next] ?? 0) < page) next++
    if (whole[classified] === 1) return true
    // A page that was freed since is somebody else's, or nobody's.
    return pages[next] === page && classified !== FREE && classified !== MISSING
  }
}

/** Index of the first page that is not before `from`. */
function firstFrom(pages: Uint32Array, from: number): number {
  let low = 0
  for (let high = pages.length; low < high; ) {
    const middle = (low + high) >>> 1
    if ((pages[middle] ?? 0) < from) low = middle + 1
    else high = middle
  }
  return low
}
