import { AGAIN_SUFFIX, type BundleName, bundlePrefix } from '../../bundle/keys.ts'
import { StoreError } from '../../store/store.ts'
import type { Unfinished, Uploads } from '../../store/uploads.ts'
import { sentence } from '../../words/cannot.ts'
import { countOf } from '../../words/count-of.ts'
import { formatBytes } from '../../words/units.ts'
import type { BundleView } from '../bundle/bundle-view.ts'
import type { CatalogueEntry } from '../catalogue/catalogue.ts'
import { choose, evidenceIn } from './choose.ts'
import { unfinishedByBundle, uploadsOf, withParts } from './unfinished.ts'

/** What a bundle has in unfinished uploads, and `salvage` would make objects of. */
export interface Unsalvaged {
  /** By the names of the objects. */
  readonly uploads: readonly { readonly name: string; readonly bytes: number }[]
  /** Why that is not known, where it is not. */
  readonly unseen?: string
}

/** What there is to salvage of a bundle; nothing while its host may be at it. */
export async function unsalvaged(uploads: Uploads, view: BundleView, signal: AbortSignal): Promise<Unsalvaged> {
  const { opening, objects, salvage, state, name } = view
  if (opening === undefined || state === 'open') return { uploads: [] }
  try {
    const hosts = await uploadsOf(uploads, name, signal)
    const { complete } = choose(hosts, { objects, salvage, partBytes: opening.partBytes })
    return { uploads: complete.map((one) => ({ name: one.name, bytes: evidenceIn(one) })) }
  } catch (error) {
    return { uploads: [], unseen: unseen(error, signal) }
  }
}

/** Of a bundle in a list: how many of its uploads were not completed, and how much has arrived in them. */
export interface Leftover {
  readonly uploads: number
  /** Undefined where it was not looked at. */
  readonly bytes: number | undefined
}

/** Bundles of a list whose uploads are looked at one by one: each takes a request or more. */
const MOST_LOOKED_AT = 64

/** What the bundles of a list have in unfinished uploads, by their prefixes; or why that is not known. */
export async function leftovers(
  uploads: Uploads,
  entries: readonly CatalogueEntry[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Leftover> | { readonly unseen: string }> {
  const found = new Map<string, Leftover>()
  const meant = entries.filter(({ state }) => state !== 'open')
  if (meant.length === 0) return found
  try {
    const all = await unfinishedByBundle(uploads, signal)
    let looks = 0
    for (const name of meant) {
      const prefix = bundlePrefix(name)
      const own = all.get(prefix)?.uploads.filter(({ key }) => !key.endsWith(AGAIN_SUFFIX)) ?? []
      if (own.length === 0) continue
      looks += 1
      const leftover =
        looks > MOST_LOOKED_AT ? { uploads: own.length, bytes: undefined } : await arrived(uploads, name, own, signal)
      if (leftover.uploads > 0) found.set(prefix, leftover)
    }
    return found
  } catch (error) {
    return { unseen: unseen(error, signal) }
  }
}

async function arrived(
  uploads: Uploads,
  name: BundleName,
  own: readonly Unfinished[],
  signal: AbortSignal,
): Promise<Leftover> {
  const some = await withParts(uploads, name, own, signal)
  const bytes = some.flatMap(({ parts }) => parts).reduce((sum, part) => sum + part.bytes, 0)
  return { uploads: some.length, bytes }
}

/** For people: `680MiB in 1 unfinished upload`. */
export function leftoverTold({ uploads, bytes }: Leftover): string {
  return `${bytes === undefined ? '' : `${formatBytes(bytes)} in `}${countOf(uploads, 'unfinished upload')}`
}

/** Rights may not go so far: then it is not known, and no reason to tell nothing else. */
function unseen(error: unknown, signal: AbortSignal): string {
  signal.throwIfAborted()
  if (error instanceof StoreError) return sentence(error)
  throw error
}
