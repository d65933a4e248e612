import { type BundleName, bundlePrefix, bundleTime, HOSTS_PREFIX, INDEX_PREFIX, isBundleId } from '../bundle/keys.ts'
import { cannot } from '../cannot.ts'
import type { Archive } from '../store/store.ts'
import {
  begunAt,
  type CatalogueEntry,
  CLOCK_ERROR,
  indexed,
  indexedDays,
  isOfFuture,
  newestFirst,
} from './catalogue.ts'
import { dayOf } from './moments.ts'

/** Bundles that are looked for before `latest` is given up: each takes a request, and marks can be written for none. */
const MOST_LOOKS = 100

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
  if (start === 'latest') {
    const newest = host === undefined ? latest(archive, now, signal) : latestOf(archive, host, now, signal)
    const found = await newest
    return found === undefined ? [] : [found]
  }
  const digits = start.slice(0, 8)
  if (!/^\d+$/.test(digits)) return []
  const found: CatalogueEntry[] = []
  for (const day of await indexedDays(archive, signal)) {
    if (!day.replaceAll('-', '').startsWith(digits)) continue
    const prefix = `${INDEX_PREFIX}dt=${day}/${host === undefined ? '' : `${host}/${start}`}`
    for (const entry of await indexed(archive, prefix, now, signal)) {
      if (entry.bundle.startsWith(start) && (host === undefined || entry.identity === host)) found.push(entry)
    }
  }
  if (found.length > 0) return found.sort(newestFirst)
  return host === undefined ? [] : await ofHost(archive, host, start, signal)
}

/**
 * The newest bundle of all. The index says which it may be, and anybody who may write there may have written it: a bundle
 * counts that its host has begun below its own prefix, in the order of the store's dates, and none whose id is of the future.
 */
async function latest(archive: Archive, now: number, signal: AbortSignal): Promise<BundleName | undefined> {
  const begun = looker(archive, signal)
  let candidates: CatalogueEntry[] = []
  for (const day of await indexedDays(archive, signal)) {
    if (day > dayOf(now + CLOCK_ERROR)) continue
    const entries = await indexed(archive, `${INDEX_PREFIX}dt=${day}/`, now, signal)
    candidates = candidates.concat(entries.filter(({ doubt }) => doubt !== 'future')).sort(newestFirst)
    // What was begun on an older day is indexed there: these are newer than all of them.
    const midnight = Date.parse(`${day}T00:00Z`)
    const older = candidates.findIndex(({ at }) => at < midnight)
    const sure = older < 0 ? candidates : candidates.slice(0, older)
    for (const candidate of sure) if ((await begun(candidate)) !== undefined) return candidate
    candidates = candidates.slice(sure.length)
  }
  for (const candidate of candidates) if ((await begun(candidate)) !== undefined) return candidate
  return undefined
}

/** A host's newest bundle, by what lies below its own prefix: also one that the index has lost. */
async function latestOf(
  archive: Archive,
  identity: string,
  now: number,
  signal: AbortSignal,
): Promise<BundleName | undefined> {
  const begun = looker(archive, signal)
  let newest: { readonly name: BundleName; readonly at: number } | undefined
  for (const name of await ofHost(archive, identity, '', signal)) {
    const time = bundleTime(name.bundle)
    if (newest !== undefined && time <= newest.at) break
    if (time > now + CLOCK_ERROR) continue
    const stored = await begun(name)
    if (stored === undefined || isOfFuture(name.bundle, stored, now)) continue
    const at = begunAt(name.bundle, stored, now)
    if (newest === undefined || at > newest.at) newest = { name, at }
  }
  return newest?.name
}

/** Tells the store's date of a bundle's opening, undefined where it has none; MOST_LOOKS times. */
function looker(archive: Archive, signal: AbortSignal): (name: BundleName) => Promise<number | undefined> {
  let looks = 0
  return async (name) => {
    looks += 1
    if (looks > MOST_LOOKS) {
      const why = `the ${MOST_LOOKS} newest that are marked have not begun; "lastgasp list" has all, and each has a name`
      throw cannot('tell which bundle is the latest', why)
    }
    const key = `${bundlePrefix(name)}opening.json`
    for await (const entry of archive.list(key, signal)) return entry.key === key ? entry.modified : undefined
    return undefined
  }
}

/** A host's own bundles by its folders, by their ids, the newest first. */
async function ofHost(archive: Archive, identity: string, start: string, signal: AbortSignal): Promise<BundleName[]> {
  const names: BundleName[] = []
  for await (const folder of archive.folders(`${HOSTS_PREFIX}${identity}/`, signal)) {
    const bundle = folder.split('/').at(-2) ?? ''
    if (isBundleId(bundle) && bundle.startsWith(start)) names.push({ identity, bundle })
  }
  return names.sort((a, b) => (a.bundle < b.bundle ? 1 : -1))
}
