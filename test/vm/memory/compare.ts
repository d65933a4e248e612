import type { Dumpable } from './dumpable.ts'
import { PAGE, type Segment, type Vmcore } from './vmcore.ts'

/** Pages that are read at a time. */
const STEP = 1024
const WORD = 8
const ZEROS = Buffer.alloc(PAGE)

/**
 * Shares of still pages that may differ, for they changed and changed back: `pages` by a lock, a counter, a list or a stack; `whole` by
 * more than `words` of the 512 of a page, as when it was a process's in between. Pages that were read from elsewhere are of this kind.
 */
const CHANGED_BACK = { pages: 0.02, whole: 0.002, words: 448 } as const

/** Share of still pages that may be missing: those that were a process's in between. */
export const IN_BETWEEN = 0.001

/** A machine's memory by QEMU, before and after a snapshot was taken from inside. */
export interface Peer {
  readonly before: Vmcore
  readonly after: Vmcore
  /** What makedumpfile keeps of each. */
  readonly keptBefore: Dumpable
  readonly keptAfter: Dumpable
  /** Where the machine has memory, by its own /proc/iomem. */
  readonly memory: readonly Range[]
}

/** Numbers of pages; `end` is no longer in it. */
export interface Range {
  readonly first: number
  readonly end: number
}

export interface Comparison {
  /** Pages of the snapshot that hold anything but zeros. */
  readonly filled: number
  /**
   * The same of what makedumpfile keeps of each dump. It takes free pages that a CPU has at hand for its own for the kernel's, so
   * this comes and goes by some thousands while processes do: memory-idle.ts holds ours against it.
   */
  readonly peerFilled: readonly [before: number, after: number]
  /** Pages kept in both dumps: what the kernel uses, as far as anybody can say of a machine that runs. */
  readonly kernel: number
  /** Of those, the ones that are alike in both dumps and not all zeros. */
  readonly still: number
  /**
   * Still pages of the kernel that the snapshot has no place for, or only zeros. Some are free: those that a CPU has at hand are the
   * kernel's to makedumpfile.
   */
  readonly missing: readonly number[]
  /** Words of 8 bytes, of the 512 of a page, in which the snapshot has something else: for each still page of the kernel where it has. */
  readonly different: readonly number[]
}

/**
 * Compares a snapshot of a machine that ran on with what QEMU saw of it before and after. Only what was alike both times can be
 * asked for: all else has changed while the snapshot was taken.
 */
export async function compare(snapshot: Vmcore, peer: Peer): Promise<Comparison> {
  const { before, after, keptBefore, keptAfter } = peer
  const missing: number[] = []
  const different: number[] = []
  let [filledBefore, filledAfter, kernel, still] = [0, 0, 0, 0]
  const filled = await filledPages(snapshot)
  for (const range of peer.memory) {
    for (const { first, count } of steps([{ first: range.first, pages: range.end - range.first }])) {
      const [then, now] = await Promise.all([before.read(first, count), after.read(first, count)])
      const ours = await taken(snapshot, first, count)
      for (let i = 0; i < count; i++) {
        const page = first + i
        const [was, later] = [then, now].map((dump) => dump.subarray(i * PAGE, (i + 1) * PAGE)) as [Buffer, Buffer]
        if (keptBefore.has(page) && !was.equals(ZEROS)) filledBefore++
        if (keptAfter.has(page) && !later.equals(ZEROS)) filledAfter++
        if (!keptBefore.has(page) || !keptAfter.has(page)) continue
        kernel++
        // Zeros both times say nothing: page tables, for one, are zeroed whenever they are given out and given back.
        if (was.equals(ZEROS) || !was.equals(later)) continue
        still++
        const is = ours.get(page)
        if (is === undefined || is.equals(ZEROS)) missing.push(page)
        else if (!was.equals(is)) different.push(wordsApart(was, is))
      }
    }
  }
  return { filled, peerFilled: [filledBefore, filledAfter], kernel, still, missing, different }
}

/** How many pages of a file hold anything but zeros; of `kept` only. */
export async function filledPages(vmcore: Vmcore, kept?: Dumpable): Promise<number> {
  let filled = 0
  for (const { first, count } of steps(vmcore.segments)) {
    const bytes = await vmcore.read(first, count)
    for (let i = 0; i < count; i++) {
      if (kept?.has(first + i) !== false && !bytes.subarray(i * PAGE, (i + 1) * PAGE).equals(ZEROS)) filled++
    }
  }
  return filled
}

/** Whether no more pages differ than can have changed and changed back; `apart` has the words that differ in each. */
export function isSound(apart: readonly number[], still: number): boolean {
  const whole = apart.filter((words) => words > CHANGED_BACK.words)
  return apart.length <= still * CHANGED_BACK.pages && whole.length <= still * CHANGED_BACK.whole
}

/** System RAM of /proc/iomem, as whole pages: an end there is the last byte. */
export function systemRam(iomem: string): Range[] {
  return [...iomem.matchAll(/^([0-9a-f]+)-([0-9a-f]+) : System RAM$/gm)].map(([, start, last]) => ({
    first: Math.ceil(Number.parseInt(start ?? '', 16) / PAGE),
    end: Math.floor((Number.parseInt(last ?? '', 16) + 1) / PAGE),
  }))
}

function* steps(runs: readonly Pick<Segment, 'first' | 'pages'>[]) {
  for (const { first, pages } of runs) {
    for (let at = 0; at < pages; at += STEP) yield { first: first + at, count: Math.min(STEP, pages - at) }
  }
}

/** What a snapshot has of some pages, by page. */
async function taken(snapshot: Vmcore, first: number, count: number): Promise<Map<number, Buffer>> {
  const found = new Map<number, Buffer>()
  for (const segment of snapshot.segments) {
    const from = Math.max(first, segment.first)
    const end = Math.min(first + count, segment.first + segment.pages)
    if (from >= end) continue
    const bytes = await snapshot.read(from, end - from)
    for (let page = from; page < end; page++) {
      found.set(page, bytes.subarray((page - from) * PAGE, (page - from + 1) * PAGE))
    }
  }
  return found
}

function wordsApart(one: Buffer, other: Buffer): number {
  let words = 0
  for (let at = 0; at < PAGE; at += WORD) if (one.readBigUInt64LE(at) !== other.readBigUInt64LE(at)) words++
  return words
}
