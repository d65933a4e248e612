import { type BundleName, bundleDay, bundlePrefix, HOSTS_PREFIX, INDEX_PREFIX, isBundleId } from '../../bundle/keys.ts'
import type { Archive } from '../../store/store.ts'
import { cannot } from '../../words/cannot.ts'
import { begunAt, type CatalogueEntry, indexed, newestFirst } from './catalogue.ts'
import { CLOCK_ERROR, indexedDays, sortedOut } from './indexed-days.ts'

/** Bundles that are looked for before `latest` is given up: each takes a request, and marks can be written for none. */
const MOST_LOOKS = 100
/** ms in which a bundle's mark follows its opening, on a link that is slow. */
const MARKED_MS = 60_000

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

/** The newest bundle of all, by the index: see `newest`. */
async function latest(archive: Archive, now: number, signal: AbortSignal): Promise<BundleName | undefined> {
  const { even, odd } = sortedOut(await indexedDays(archive, signal), now)
  const onDay = (day: string) => indexed(archive, `${INDEX_PREFIX}dt=${day}/`, now, signal)
  return await newest(odd, even, onDay, looker(archive, signal))
}

/** A host's newest bundle, by what lies below its own prefix: also one that the index has lost. */
async function latestOf(
  archive: Archive,
  identity: string,
  now: number,
  signal: AbortSignal,
): Promise<BundleName | undefined> {
  const names = await ofHost(archive, identity, '', signal)
  const { even, odd } = sortedOut([...new Set(names.map(({ bundle }) => bundleDay(bundle)))], now)
  const onDay = async (day: string): Promise<Dated[]> => {
    const entries = await indexed(archive, `${INDEX_PREFIX}dt=${day}/${identity}/`, now, signal)
    const marked = new Map(entries.map(({ bundle, at }) => [bundle, at]))
    return names
      .filter(({ bundle }) => bundleDay(bundle) === day)
      .map((name) => ({ ...name, at: marked.get(name.bundle) ?? begunAt(name.bundle, 0, now) }))
  }
  return await newest(odd, even, onDay, looker(archive, signal))
}

/** A bundle, and when it was begun: `begunAt`. */
type Dated = BundleName & Pick<CatalogueEntry, 'at'>

/**
 * The newest bundle of these days. The index says which it may be, and anybody who may write there may have written it: a
 * bundle counts that its host has begun below its own prefix, and when it was begun is the store's date of that.
 */
async function newest(
  odd: readonly string[],
  even: readonly string[],
  onDay: (day: string) => Promise<readonly Dated[]>,
  begun: (name: BundleName) => Promise<number | undefined>,
): Promise<BundleName | undefined> {
  const candidates: Dated[] = []
  for (const day of odd) for (const one of await onDay(day)) candidates.push(one)
  for (const day of even) {
    for (const one of await onDay(day)) candidates.push(one)
    // What was begun later is indexed on this day or a younger one, unless a clock is further off.
    const found = await newestSince(Date.parse(`${day}T00:00Z`) + CLOCK_ERROR)
    if (found !== undefined) return found
  }
  return await newestSince(Number.NEGATIVE_INFINITY)

  async function newestSince(since: number): Promise<BundleName | undefined> {
    candidates.sort(newestFirst)
    for (let first = candidates[0]; first !== undefined && first.at >= since; first = candidates[0]) {
      candidates.shift()
      const at = await begun(first)
      if (at === undefined) continue
      if (at <= 0 || at > first.at - MARKED_MS) return { identity: first.identity, bundle: first.bundle }
      // It was marked anew, or has lost its mark and has a row.
      candidates.push({ ...first, at })
      candidates.sort(newestFirst)
    }
    return undefined
  }
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
