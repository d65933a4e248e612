import { type BundleName, bundleDay, bundlePrefix, INDEX_PREFIX, parseIndexKey } from '../../bundle/keys.ts'
import type { Opening } from '../../bundle/schema.ts'
import type { Archive } from '../../store/store.ts'
import type { Uploads } from '../../store/uploads.ts'
import { type BundleView, viewBundle } from '../bundle/bundle-view.ts'
import { unclosed } from '../catalogue/catalogue.ts'
import { type Choice, choose } from './choose.ts'
import { isTold } from './record.ts'
import { uploadsOf } from './unfinished.ts'

/** Sizes of a part that there can be: S3 takes no less, and filler of this size is held in memory. */
const PART_BYTES = { least: 5 * 1024 ** 2, most: 64 * 1024 ** 2 }

/** Where bundles are, to look at them and to salvage. */
export interface Place {
  readonly archive: Archive
  readonly uploads: Uploads
}

/** What a bundle is to a salvager. `running`: until then its host may still be at it, ms since the epoch by the store's clock. */
export type Look =
  | { readonly is: 'due'; readonly plan: Plan }
  | { readonly is: 'closed'; readonly view: BundleView }
  | { readonly is: 'running'; readonly until: number }
  | { readonly is: 'refused' | 'failed'; readonly reason: string }

/** What is to be done for a bundle. */
export interface Plan extends Choice {
  readonly view: BundleView
  readonly opening: Opening
  /** Whether something is to be said that no salvager has said. */
  readonly isTold: boolean
  /** Whether the index has a row of it. */
  readonly hasRow: boolean
  /** When it was looked at, ms since the epoch by the store's clock. */
  readonly now: number
}

/** Looks at a bundle. Writes nothing. */
export async function look({ archive, uploads }: Place, name: BundleName, signal: AbortSignal): Promise<Look> {
  const hosts = await uploadsOf(uploads, name, signal)
  const now = await uploads.now(signal)
  const view = await viewBundle(archive, name, now, signal)
  const { opening } = view
  if (opening === undefined) return { is: 'refused', reason: await withoutOpening(archive, name, signal) }
  const { partBytes } = opening
  if (partBytes < PART_BYTES.least || partBytes > PART_BYTES.most)
    return { is: 'refused', reason: `its opening says that a part has ${partBytes} bytes, and no capture has such` }
  const index = await indexOf(archive, name, signal)
  const until = Math.max(view.endsBy ?? 0, index.until)
  if (until === 0) return { is: 'refused', reason: 'the store does not tell when it was begun' }
  if (unclosed(until, 0, now) === 'open') return { is: 'running', until }
  const choice = choose(hosts, { objects: view.objects, salvage: view.salvage, partBytes })
  const isSaid = isTold(view.salvage, choice.complete) || (view.manifest !== undefined && choice.complete.length === 0)
  if (choice.complete.length === 0 && isSaid && index.hasRow) return { is: 'closed', view }
  return { is: 'due', plan: { ...choice, view, opening, isTold: isSaid, hasRow: index.hasRow, now } }
}

async function withoutOpening(archive: Archive, name: BundleName, signal: AbortSignal): Promise<string> {
  const key = `${bundlePrefix(name)}opening.json`
  for await (const entry of archive.list(key, signal)) if (entry.key === key) return 'its opening cannot be read'
  return 'it has no opening, without which no capture begins'
}

/** What the index says of a bundle: until when it can be running, by the dates of all its marks; and whether it has a row. */
async function indexOf(archive: Archive, { identity, bundle }: BundleName, signal: AbortSignal) {
  const prefix = `${INDEX_PREFIX}dt=${bundleDay(bundle)}/${identity}/${bundle}.`
  let until = 0
  let hasRow = false
  for await (const { key, modified } of archive.list(prefix, signal)) {
    const mark = parseIndexKey(key)?.mark
    if (mark?.kind === 'row') hasRow = true
    if (mark?.kind === 'open' && modified > 0) until = Math.max(until, modified + mark.seconds * 1000)
  }
  return { until, hasRow }
}
