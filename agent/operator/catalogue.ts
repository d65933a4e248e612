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
} from '../bundle/keys.ts'
import type { Archive } from '../store/store.ts'
import { dayOf } from './moments.ts'

/**
 * What the index alone tells of a bundle. `open`: begun, and may be running still; `interrupted`: begun, and not closed in the time
 * that its mark gives it.
 */
export type BundleState = BundleStatus | 'open' | 'interrupted'

/**
 * Why the index is not to be believed of a bundle. `future`: its id is of a time that had not come when the store got its
 * mark. `rows differ`: it has two rows that no capture writes for one bundle.
 */
export type Doubt = 'future' | 'rows differ'

export interface CatalogueEntry extends BundleName {
  readonly state: BundleState
  /** What the host died of, by the row that counts. */
  readonly why: Why | undefined
  /** When it was begun, in ms since the epoch: see `begunAt`. */
  readonly at: number
  readonly doubt: Doubt | undefined
}

/** ms: a closing row that is on its way when the capture must have ended, and a listing that lags behind it. */
const LAG_MS = 5_000
/** How far clocks of hosts run ahead, in ms: a clock that is set to local time is up to 14 hours off. */
export const CLOCK_ERROR = 86_400_000

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
 * When a bundle was begun. Its id is the host's word; the store's date of its first object is not (0: not known), and
 * nothing can have begun after it. So an id of next year puts no bundle in front of those of today.
 */
export function begunAt(bundle: string, stored: number, now: number): number {
  return Math.min(bundleTime(bundle), stored > 0 ? stored : now)
}

/** Whether the id of a bundle is of a time that had not come when the store got its first object, whatever clocks err. */
export function isOfFuture(bundle: string, stored: number, now: number): boolean {
  return bundleTime(bundle) > (stored > 0 ? stored : now) + CLOCK_ERROR
}

export interface Period {
  /** ms since the epoch, by the ids of bundles; both ends are within. */
  readonly since: number
  readonly until: number
}

/** The days (`YYYY-MM-DD`) that the index has, newest first. */
export async function indexedDays(archive: Archive, signal: AbortSignal): Promise<string[]> {
  const days: string[] = []
  for await (const folder of archive.folders(INDEX_PREFIX, signal)) {
    const day = /dt=(\d{4}-\d\d-\d\d)\/$/.exec(folder)?.[1]
    if (day !== undefined && isOnCalendar(day)) days.push(day)
  }
  return days.sort().reverse()
}

function isOnCalendar(day: string): boolean {
  const at = Date.parse(`${day}T00:00Z`)
  return !Number.isNaN(at) && dayOf(at) === day
}

export interface Catalogue {
  /** Newest first. */
  readonly entries: readonly CatalogueEntry[]
  /** Days beyond the period that have not come yet, and have marks all the same. */
  readonly daysAhead: readonly string[]
}

/** The bundles begun in a period: a listing per day or one of all, and no object is read. */
export async function catalogue(
  archive: Archive,
  { since, until }: Period,
  now: number,
  signal: AbortSignal,
): Promise<Catalogue> {
  const entries: CatalogueEntry[] = []
  const days = await indexedDays(archive, signal)
  const within = days.filter((day) => day >= dayOf(since) && day <= dayOf(until))
  // Marks can be written for every day of ten thousand years: then all keys are fewer requests than a listing per day.
  const prefixes = within.length > MOST_DAYS ? [INDEX_PREFIX] : within.map((day) => `${INDEX_PREFIX}dt=${day}/`)
  for (const prefix of prefixes) {
    for (const entry of await indexed(archive, prefix, now, signal)) {
      const at = bundleTime(entry.bundle)
      if (at >= since && at <= until) entries.push(entry)
    }
  }
  const daysAhead = days.filter((day) => day > dayOf(until) && day > dayOf(now + CLOCK_ERROR))
  return { entries: entries.sort(newestFirst), daysAhead }
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
    if (entry.mark.kind === 'row') marked.rows.push(entry.mark)
    else marked.seconds = Math.max(marked.seconds, entry.mark.seconds)
    marked.stored = Math.min(marked.stored, modified)
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
  const doubt = isOfFuture(bundle, stored, now) ? 'future' : differ ? 'rows differ' : undefined
  return { identity, bundle, at, doubt, state: best?.status ?? unclosed(stored, seconds, now), why: best?.why }
}

/** Newest first; of one time by their ids and identities. */
export function newestFirst(a: CatalogueEntry, b: CatalogueEntry): number {
  if (a.at !== b.at) return b.at - a.at
  if (a.bundle !== b.bundle) return a.bundle < b.bundle ? 1 : -1
  return a.identity < b.identity ? -1 : 1
}
