import { formatBytes } from '../../../settings/units.ts'
import type { JournalFile } from './scan.ts'

export interface Choice {
  /** Newest first. */
  readonly chosen: readonly JournalFile[]
  /** What is left out, and the setting that would take it: one sentence per setting. */
  readonly leftOut: readonly string[]
}

/**
 * Which files belong to the last `boots` boots (this one, or the newest there is, counts as the first), newest first up to
 * `limit` bytes. The newest file is taken whatever its size: a limit below one file's size would otherwise give nothing.
 * A file that has lines of two boots counts as the later one's. Pure.
 */
export function chooseFiles(
  all: readonly JournalFile[],
  thisBoot: string | undefined,
  { boots, limit }: { readonly boots: number; readonly limit: number },
): Choice {
  const newest = all.filter(({ header }) => header.entries > 0).sort((a, b) => lastEntry(b) - lastEntry(a))
  const order = new Set(newest.map(({ header }) => header.bootId).sort((a, b) => mine(b) - mine(a)))
  function mine(boot: string): number {
    return boot === thisBoot ? 1 : 0
  }
  const wantedBoots = new Set([...order].slice(0, boots))
  const wanted = newest.filter(({ header }) => wantedBoots.has(header.bootId))
  let left = limit
  const cut = wanted.findIndex(({ size }, index) => {
    left -= size
    return left < 0 && index > 0
  })
  const chosen = cut < 0 ? wanted : wanted.slice(0, cut)
  const beyond = wanted.slice(chosen.length)
  const earlier = newest.filter((file) => !wantedBoots.has(file.header.bootId))
  return {
    chosen,
    leftOut: [
      ...(beyond.length > 0 ? [`${amount(beyond)}: journal.limit is ${formatBytes(limit)}, ${toTake(wanted)}`] : []),
      ...(earlier.length > 0
        ? [`${amount(earlier)}, of earlier boots: journal.boots = ${order.size} would take them`]
        : []),
    ],
  }
}

const lastEntry = ({ header }: JournalFile) => header.tailRealtime
const bytesOf = (files: readonly JournalFile[]) => files.reduce((sum, { size }) => sum + size, 0)
const amount = (files: readonly JournalFile[]) =>
  `${files.length} journal file${files.length === 1 ? '' : 's'}, ${formatBytes(bytesOf(files))}`
const toTake = (files: readonly JournalFile[]) => `${formatBytes(bytesOf(files))} would take all`
