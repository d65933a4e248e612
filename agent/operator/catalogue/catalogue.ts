import {
  type BundleName,
  type BundleStatus,
  bundleTime,
  INDEX_PREFIX,
  type Mark,
  MOST_OPEN_SECONDS,
  parseIndexKey,
  STATUSES,
  type Why,
} from '../../bundle/keys.ts'
import type { Archive } from '../../store/store.ts'
import { CLOCK_ERROR, indexedDays, sortedOut } from './indexed-days.ts'
import { dayOf } from './moments.ts'

/**
 * What the index alone tells of a bundle. `open`: begun, and may be running still; `interrupted`: begun, and not closed in the time
 * that its mark gives it.
 */
export type BundleState = BundleStatus | 'open' | 'interrupted'

/**
 * Why the index is not to be believed of a bundle. `clock`: its id is of another time than the store's date of its mark, for the
 * host's clock was wrong, or the store is a copy. `rows differ`: it has two rows that no capture writes for one bundle.
 */
export type Doubt = 'clock' | 'rows differ'

export interface CatalogueEntry extends BundleName {
  readonly state: BundleState
  /** What the host died of, by the row that counts. */
  readonly why: Why | undefined
  /** It is about the boot before the one in which it was made, by that row. */
  readonly before: boolean
  /** When it was begun, in ms since the epoch: see `begunAt`. */
  readonly at: number
  readonly doubt: Doubt | undefined
}

/** ms: a closing row that is on its way when the capture must have ended, and a listing that lags behind it. */
const LAG_MS = 5_000
/** ms by which an id and the store's date differ before it is told: more than it takes to write the first objects. */
const CLOCK_TOLD = 60_000
/** Later than any bundle id can name, in ms since the epoch. */
export const END_OF_TIME = Date.UTC(9999, 11, 31, 23, 59, 59)
/** Days that are listed one by one: three years. */
const MOST_DAYS = 1096

/**
 * Whether a bundle without a closing row may be running still at `now`. `stored`: the store's date of its mark, in ms since the epoch;
 * `seconds`: how long it can run from then on.
 */
export function unclosed(stored: number, seconds: number, now: number): 'open' | 'interrupted' {
  return now <= stored + Math.min(seconds, MOST_OPEN_SECONDS) * 1000 + LAG_MS ? 'open' : 'interrupted'
}

/**
 * When a bundle was begun: the store's date of its first object. That is nobody's word, and no clock of a host makes a bundle newer or
 * older than it is. Where it is not known (0), as its id says.
 */
export function begunAt(bundle: string, stored: number, now: number): number {
  return stored > 0 ? stored : Math.min(bundleTime(bundle), now)
}

export interface Period {
  /** ms since the epoch, as `begunAt`; both ends are within. */
  readonly since: number
  readonly until: number
}

export interface Catalogue {
  /** Newest first. */
  readonly entries: readonly CatalogueEntry[]
  /** Days on which nothing can have begun, that have marks all the same and were not looked at: see indexed-days.ts. */
  readonly daysLeft: readonly string[]
}

/** The bundles begun in a period: a listing per day or one of all, and no object is read. */
export async function catalogue(
  archive: Archive,
  { since, until }: Period,
  now: number,
  signal: AbortSignal,
): Promise<Catalogue> {
  const days = await indexedDays(archive, signal)
  const { even, odd, left } = sortedOut(days, now)
  // The index is by the hosts' clocks, and the period is not.
  const [first, last] = [dayOf(since - CLOCK_ERROR), dayOf(Math.min(until, END_OF_TIME - CLOCK_ERROR) + CLOCK_ERROR)]
  const within = [...even, ...left].filter((day) => day >= first && day <= last).concat(odd)
  // Marks can be written for every day of ten thousand years: then all keys are fewer requests than a listing per day.
  const prefixes = within.length > MOST_DAYS ? [INDEX_PREFIX] : within.map((day) => `${INDEX_PREFIX}dt=${day}/`)
  const entries: CatalogueEntry[] = []
  for (const prefix of prefixes) {
    for (const entry of await indexed(archive, prefix, now, signal))
      if (entry.at >= since && entry.at <= until) entries.push(entry)
  }
  return { entries: entries.sort(newestFirst), daysLeft: left.filter((day) => !within.includes(day)) }
}

/** The bundles that the index has below a prefix, one entry each. Of several rows the best counts: see BUNDLE.md. */
export async function indexed(
  archive: Archive,
  prefix: string,
  now: number,
  signal: AbortSignal,
): Promise<CatalogueEntry[]> {
  const entries: CatalogueEntry[] = []
  let marked: Marked | undefined
  // In the order of keys, the marks of a bundle come one after the other.
  for await (const { key, modified } of archive.list(prefix, signal)) {
    const entry = parseIndexKey(key)
    if (entry === undefined) continue
    if (marked?.identity !== entry.identity || marked.bundle !== entry.bundle) {
      if (marked !== undefined) entries.push(entryOf(marked, now))
      marked = { identity: entry.identity, bundle: entry.bundle, rows: [], seconds: 0, stored: modified }
    }
    marked.stored = Math.min(marked.stored, modified)
    if (entry.mark.kind === 'row') marked.rows.push(entry.mark)
    else marked.seconds = Math.max(marked.seconds, entry.mark.seconds)
  }
  if (marked !== undefined) entries.push(entryOf(marked, now))
  return entries
}

/** What was seen of a bundle's marks so far. */
interface Marked extends BundleName {
  readonly rows: Extract<Mark, { kind: 'row' }>[]
  seconds: number
  stored: number
}

function entryOf({ identity, bundle, rows, seconds, stored }: Marked, now: number): CatalogueEntry {
  const at = begunAt(bundle, stored, now)
  const [best] = rows.toSorted((a, b) => STATUSES.indexOf(a.status) - STATUSES.indexOf(b.status))
  // A salvager's row beside the host's own is no contradiction.
  const differ = rows.filter(({ status }) => status !== 'salvaged').length > 1
  const doubt = differ ? 'rows differ' : Math.abs(at - bundleTime(bundle)) > CLOCK_TOLD ? 'clock' : undefined
  const state = best?.status ?? unclosed(stored, seconds, now)
  return { identity, bundle, at, doubt, state, why: best?.why, before: best?.before ?? false }
}

/** Newest first; of one time by their ids and identities. */
export function newestFirst(
  a: BundleName & Pick<CatalogueEntry, 'at'>,
  b: BundleName & Pick<CatalogueEntry, 'at'>,
): number {
  if (a.at !== b.at) return b.at - a.at
  if (a.bundle !== b.bundle) return a.bundle < b.bundle ? 1 : -1
  return a.identity < b.identity ? -1 : 1
}
