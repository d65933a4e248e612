import { posix } from 'node:path'
import { countOf } from '../../../words/count-of.ts'
import { shownName } from '../../../words/host-name.ts'
import { formatBytes, formatDuration } from '../../../words/units.ts'
import { inTurns } from '../../host/in-turns.ts'
import type { Seen } from './seen.ts'
import type { Problem } from './walked.ts'

/** Files below this share one tar. */
export const SMALL_BYTES = 1024 * 1024
/** Of these, at most: `fetch` takes 10,000 entries of a tar, and 25,000 parts of their names, `root` included. */
const MOST_SMALL = 2000
const MOST_PARTS = 20_000
/** And bytes: it is among the first things that are taken. No more than half of all. */
const MOST_SMALL_BYTES = 64 * 1024 * 1024
/** The newest end of a log is a piece of this size, and each one before it is four times as long: what is cut costs a piece, never the end. */
const NEWEST_BYTES = 8 * 1024 * 1024
const GROWTH = 4
/** Artifacts, at most. */
const MOST_OWN = 256
/** A file of holes that is longer is left where it is: its holes take a second for 64 GiB (plan/cost.ts). */
const MOST_HOLES = 64 * 1024 ** 3

/** A file's bytes, or some of them, as an artifact of its own. */
export interface Piece {
  readonly seen: Seen
  /** `log`: to be read from anywhere; `whole`: of no use without its beginning (compressed, memory, full of holes). */
  readonly kind: 'log' | 'whole'
  readonly isMemory: boolean
  readonly from: number
  readonly to: number
  /** 0 is the newest end. */
  readonly rank: number
}

export interface Choice {
  /** The newest first. */
  readonly small: readonly Seen[]
  /** Newest ends first, then what comes before them. */
  readonly own: readonly Piece[]
  /** What is left out by a setting or by a bound of ours: one for each reason, or for each log of which the beginning is. */
  readonly leftOut: readonly Problem[]
}

export interface Limits {
  readonly limit: number
  readonly age: number
}

/** What is compressed: of no use without its beginning, and no smaller for being compressed again. */
export const isCompressed = (path: string) => /\.(?:gz|xz|zst|bz2|lz4|lzma|lzo|br|z|zip|7z|tgz|txz)$/i.test(path)

/** Which files are taken, and what of them. `now` in ms since the epoch. Pure. */
export function chooseFiles(
  all: readonly Seen[],
  { limit, age }: Limits,
  isMemory: (path: string) => boolean,
  now: number,
): Choice {
  const isOld = ({ mtimeMs }: Seen) => now - mtimeMs > age
  const byNewest = (a: Seen, b: Seen) =>
    Math.min(b.mtimeMs, now) - Math.min(a.mtimeMs, now) || (a.path < b.path ? -1 : 1)
  // A directory that is flooded does not push out those of others.
  const inOrder = all.filter((file) => !isOld(file)).toSorted(byNewest)
  const newest = inTurns(inOrder, ({ path }) => posix.dirname(path))
  const isSmall = (file: Seen) => file.size < SMALL_BYTES && !isMemory(file.path)
  const small = fitting(newest.filter(isSmall), Math.min(MOST_SMALL_BYTES, limit / 2))
  const taken = small.reduce((sum, { size }) => sum + size, 0)
  const { own, ...rest } = pieces(
    newest.filter((file) => !isSmall(file)),
    limit - taken,
    isMemory,
  )
  const old = all.filter(isOld)
  const beyond = [...newest.filter(isSmall).slice(small.length), ...rest.beyond]
  const needed = newest.reduce((sum, { held }) => sum + held, 0)
  const asked = `files.limit is ${formatBytes(limit)}, ${formatBytes(needed)} would take all`
  return {
    small: small.toSorted(byNewest),
    own,
    leftOut: [
      ...rest.cut.map(({ seen, from }) =>
        leftOut(
          seen.path,
          `the first ${formatBytes(from)} of ${shownName(seen.path)}, ${formatBytes(seen.size)}, are left out: ${asked}`,
        ),
      ),
      ...several(
        beyond,
        `of what is beyond the newest: ${asked}; at most ${MOST_SMALL} small ones are taken, and ${MOST_OWN} others`,
      ),
      ...several(rest.hollow, `longer than ${formatBytes(MOST_HOLES)} by their holes`),
      ...several(old, `older than files.age = ${formatDuration(age)}`),
    ],
  }
}

/** As many of the first as fit. */
function fitting(files: readonly Seen[], limit: number): readonly Seen[] {
  let [bytes, parts, count] = [0, 0, 0]
  for (const { size, path } of files) {
    bytes += size
    parts += path.split('/').length
    if (bytes > limit || parts > MOST_PARTS || count === MOST_SMALL) break
    count += 1
  }
  return files.slice(0, count)
}

/** The newest end of each log, what is to be taken as a whole, then the piece before the newest of each, and so on. */
function pieces(files: readonly Seen[], limit: number, isMemory: (path: string) => boolean) {
  const hollow = files.filter(isHollow)
  const state = files
    .filter((file) => !isHollow(file) && file.size > 0)
    .map((seen) => ({ seen, from: seen.size, isMemory: isMemory(seen.path), kind: kindOf(seen, isMemory(seen.path)) }))
  const own: Piece[] = []
  let left = limit
  for (const one of state.filter(({ kind, seen }) => kind === 'whole' && seen.size < SMALL_BYTES)) whole(one)
  for (const one of state) if (one.kind === 'log') piece(one, 0)
  for (const one of state) if (one.kind === 'whole' && one.from > 0) whole(one)
  for (
    let rank = 1;
    state.some(({ kind, from }) => kind === 'log' && from > 0) && left > 0 && own.length < MOST_OWN;
    rank++
  ) {
    for (const one of state) if (one.kind === 'log' && one.from < one.seen.size) piece(one, rank)
  }
  return {
    own,
    hollow,
    cut: state.filter(({ kind, from, seen }) => kind === 'log' && from > 0 && from < seen.size),
    beyond: state.filter(({ from, seen }) => from === seen.size).map(({ seen }) => seen),
  }

  function piece(one: (typeof state)[number], rank: number): void {
    const bytes = Math.min(NEWEST_BYTES * GROWTH ** rank, one.from, left)
    if (bytes <= 0 || own.length >= MOST_OWN) return
    const from = one.from - bytes
    own.push({ seen: one.seen, kind: 'log', isMemory: one.isMemory, from, to: one.from, rank })
    left -= bytes
    one.from = from
  }

  function whole(one: (typeof state)[number]): void {
    const { seen } = one
    if (seen.held > left || own.length >= MOST_OWN) return
    own.push({ seen, kind: 'whole', isMemory: one.isMemory, from: 0, to: seen.size, rank: 0 })
    left -= seen.held
    one.from = 0
  }
}

const isHollow = ({ size, held }: Seen) => held < size / 2 && size > MOST_HOLES

function kindOf(seen: Seen, isMemory: boolean): Piece['kind'] {
  return isMemory || isCompressed(seen.path) || seen.held < seen.size / 2 ? 'whole' : 'log'
}

const leftOut = (path: string, reason: string): Problem => ({ path, reason, because: 'limit' })

/** One for all of them, by the first. */
function several(files: readonly Seen[], what: string): readonly Problem[] {
  const [first] = files
  if (first === undefined) return []
  const bytes = files.reduce((sum, { held }) => sum + held, 0)
  const told = `${countOf(files.length, 'file')}, ${formatBytes(bytes)}, ${what} (${shownName(first.path)}${files.length > 1 ? ', …' : ''})`
  return [leftOut(first.path, told)]
}
