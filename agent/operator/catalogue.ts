import { type BundleName, bundleTime, HOSTS_PREFIX, INDEX_PREFIX, isBundleId, parseIndexKey } from '../bundle/keys.ts'
import type { Archive } from '../store/store.ts'
import { dayOf } from './moments.ts'

/**
 * What the index alone tells of a bundle. `open`: begun, and may be running still; `interrupted`: begun, and not
 * closed in the time that any capture may take.
 */
export type BundleState = 'complete' | 'partial' | 'open' | 'interrupted'

export interface CatalogueEntry extends BundleName {
  readonly state: BundleState
}

/** Longest deadline that settings allow (30 min), and 5 min for clocks that differ and a listing that lags, in ms. */
const LONGEST_CAPTURE = 35 * 60_000

/** Whether a bundle without a closing row may be running still at `now`. */
export function unclosed(bundle: string, now: number): 'open' | 'interrupted' {
  return now - bundleTime(bundle) < LONGEST_CAPTURE ? 'open' : 'interrupted'
}

export interface Period {
  /** ms since the epoch; both ends are within. */
  readonly since: number
  readonly until: number
}

/** The days (`YYYY-MM-DD`) that the index has, newest first. */
export async function indexedDays(archive: Archive, signal: AbortSignal): Promise<string[]> {
  const days: string[] = []
  for await (const folder of archive.folders(INDEX_PREFIX, signal)) {
    const day = /dt=(\d{4}-\d\d-\d\d)\/$/.exec(folder)?.[1]
    if (day !== undefined) days.push(day)
  }
  return days.sort().reverse()
}

/** The bundles begun in a period, newest first: one listing per day, no object is read. */
export async function catalogue(
  archive: Archive,
  { since, until }: Period,
  now: number,
  signal: AbortSignal,
): Promise<CatalogueEntry[]> {
  const entries: CatalogueEntry[] = []
  for (const day of await indexedDays(archive, signal)) {
    if (day < dayOf(since) || day > dayOf(until)) continue
    for (const entry of await indexed(archive, `${INDEX_PREFIX}dt=${day}/`, now, signal)) {
      const at = bundleTime(entry.bundle)
      if (at >= since && at <= until) entries.push(entry)
    }
  }
  return entries.sort(newestFirst)
}

/**
 * The bundles that a reference may mean: a bundle id or a beginning of one, `latest`, or either behind `HOST/`.
 * One name: that is it. None: there is no such bundle.
 */
export async function findBundles(
  archive: Archive,
  reference: string,
  now: number,
  signal: AbortSignal,
): Promise<BundleName[]> {
  const [, host, start = ''] = /^(?:([^/]+)\/)?([^/]*)\/?$/.exec(reference) ?? []
  if (start === 'latest') return await latest(archive, host, now, signal)
  const digits = start.slice(0, 8)
  if (!/^\d+$/.test(digits)) return []
  const found: BundleName[] = []
  for (const day of await indexedDays(archive, signal)) {
    if (!day.replaceAll('-', '').startsWith(digits)) continue
    const prefix = `${INDEX_PREFIX}dt=${day}/${host === undefined ? '' : `${host}/${start}`}`
    for (const entry of await indexed(archive, prefix, now, signal)) {
      if (entry.bundle.startsWith(start) && (host === undefined || entry.identity === host)) found.push(entry)
    }
  }
  return found.length > 0 || host === undefined ? found.sort(newestFirst) : await ofHost(archive, host, start, signal)
}

async function latest(archive: Archive, host: string | undefined, now: number, signal: AbortSignal) {
  if (host !== undefined) return (await ofHost(archive, host, '', signal)).slice(0, 1)
  for (const day of await indexedDays(archive, signal)) {
    const entries = await indexed(archive, `${INDEX_PREFIX}dt=${day}/`, now, signal)
    if (entries.length > 0) return entries.sort(newestFirst).slice(0, 1)
  }
  return []
}

/** A host's own bundles, newest first, by its folders: also those that the index has lost. */
async function ofHost(archive: Archive, identity: string, start: string, signal: AbortSignal) {
  const names: BundleName[] = []
  for await (const folder of archive.folders(`${HOSTS_PREFIX}${identity}/`, signal)) {
    const bundle = folder.split('/').at(-2) ?? ''
    if (!isBundleId(bundle) || !bundle.startsWith(start)) continue
    names.push({ identity, bundle })
  }
  return names.sort(newestFirst)
}

/** The bundles that the index has below a prefix, one entry each. */
async function indexed(archive: Archive, prefix: string, now: number, signal: AbortSignal): Promise<CatalogueEntry[]> {
  const bundles = new Map<string, CatalogueEntry>()
  for await (const { key } of archive.list(prefix, signal)) {
    const entry = parseIndexKey(key)
    if (entry === undefined) continue
    const { identity, bundle, mark } = entry
    const id = `${identity}/${bundle}`
    const state = mark === 'open' ? unclosed(bundle, now) : mark
    const known = bundles.get(id)?.state
    if (known === 'partial' || (known === 'complete' && mark === 'open')) continue
    bundles.set(id, { identity, bundle, state })
  }
  return [...bundles.values()]
}

const newestFirst = (a: BundleName, b: BundleName) =>
  b.bundle < a.bundle ? -1 : b.bundle > a.bundle ? 1 : a.identity < b.identity ? -1 : 1
