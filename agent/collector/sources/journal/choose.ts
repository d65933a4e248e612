import { formatBytes } from '../../../words/units.ts'
import { inTurns } from '../../host/in-turns.ts'
import { byLastEntry } from '../../host/journal/header.ts'
import { isHosts, type JournalFile } from '../../host/journal/scan.ts'

export interface Choice {
  /** The host's own, newest first, then its users'. */
  readonly chosen: readonly JournalFile[]
  /** What is left out, and the setting that would take it: one sentence per setting. */
  readonly leftOut: readonly string[]
  /** Those that say of themselves that they hold nothing. */
  readonly empty: readonly JournalFile[]
}

/**
 * Which files belong to the last `boots` boots (this one, or the newest there is, counts as the first), up to `limit` bytes: the host's
 * own, newest first; then the users' in turns, so that nobody's lines push out those of others. After one that does not fit
 * nothing older of the same log is taken. The newest file is taken whatever its size: a limit below one file's size would
 * otherwise give nothing. A file that has lines of two boots counts as the later one's. One that was not closed is not believed
 * to be empty. `now` in ms since the epoch. Pure.
 */
export function chooseFiles(
  all: readonly JournalFile[],
  thisBoot: string | undefined,
  { boots, limit }: { readonly boots: number; readonly limit: number },
  now: number,
): Choice {
  const isEmpty = ({ header, dirty }: JournalFile) => header.entries === 0 && !dirty
  const newest = all.filter((file) => !isEmpty(file)).sort(byLastEntry(now))
  const order = new Set(newest.map(({ header }) => header.bootId).sort((a, b) => mine(b) - mine(a)))
  function mine(boot: string): number {
    return boot === thisBoot ? 1 : 0
  }
  const wantedBoots = new Set([...order].slice(0, boots))
  const wanted = newest.filter(({ header }) => wantedBoots.has(header.bootId))
  let left = limit
  const full = new Set<string>()
  const chosen = ordered(wanted).filter((file, index) => {
    const fits = !full.has(logOf(file)) && (file.size <= left || index === 0)
    if (fits) left -= file.size
    else full.add(logOf(file))
    return fits
  })
  const taken = new Set(chosen)
  const beyond = wanted.filter((file) => !taken.has(file))
  const earlier = newest.filter((file) => !wantedBoots.has(file.header.bootId))
  return {
    chosen,
    leftOut: [
      ...(beyond.length > 0 ? [`${amount(beyond)}: journal.limit is ${formatBytes(limit)}, ${toTake(wanted)}`] : []),
      ...(earlier.length > 0
        ? [`${amount(earlier)}, of earlier boots: journal.boots = ${order.size} would take them`]
        : []),
    ],
    empty: all.filter(isEmpty),
  }
}

/** Whose log a file is a part of. */
const logOf = ({ namespace, stem }: JournalFile) => `${namespace}/${stem}`

/** The host's files, then the newest of each user, then the next ones. */
function ordered(files: readonly JournalFile[]): readonly JournalFile[] {
  return [
    ...files.filter(isHosts),
    ...inTurns(
      files.filter((file) => !isHosts(file)),
      logOf,
    ),
  ]
}

const bytesOf = (files: readonly JournalFile[]) => files.reduce((sum, { size }) => sum + size, 0)
const amount = (files: readonly JournalFile[]) =>
  `${files.length} journal file${files.length === 1 ? '' : 's'}, ${formatBytes(bytesOf(files))}`
const toTake = (files: readonly JournalFile[]) => `${formatBytes(bytesOf(files))} would take all`
