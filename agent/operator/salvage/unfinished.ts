import { type BundleName, bundleOf, bundlePrefix, HOSTS_PREFIX } from '../../bundle/keys.ts'
import type { Arrived, Unfinished, Uploads } from '../../store/uploads.ts'
import { inParallel } from '../../words/in-parallel.ts'

/** Uploads of one bundle that are looked at: a capture leaves a few, and whoever has its credentials as many as he likes. */
const MOST_UPLOADS = 256
/** Whose parts are asked for at a time. */
const IN_FLIGHT = 8

/** An upload of a bundle that its host has not completed, and what of it has arrived. */
export interface HostsUpload {
  /** Of the object to be, below the bundle's prefix. */
  readonly name: string
  readonly upload: Unfinished
  /** In the order of their numbers; at least one. */
  readonly parts: readonly Arrived[]
}

/** The unfinished uploads of each bundle below the hosts' prefix, by the bundle's own prefix. */
export async function unfinishedByBundle(
  uploads: Uploads,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, { readonly name: BundleName; readonly uploads: readonly Unfinished[] }>> {
  const found = new Map<string, { name: BundleName; uploads: Unfinished[] }>()
  for await (const upload of uploads.list(HOSTS_PREFIX, signal)) {
    const name = bundleOf(upload.key)
    if (name === undefined) continue
    const prefix = bundlePrefix(name)
    const bundle = found.get(prefix) ?? { name, uploads: [] }
    found.set(prefix, bundle)
    if (bundle.uploads.length < MOST_UPLOADS) bundle.uploads.push(upload)
  }
  return found
}

/** The unfinished uploads of one bundle. */
export async function uploadsOf(uploads: Uploads, name: BundleName, signal: AbortSignal): Promise<HostsUpload[]> {
  const found: Unfinished[] = []
  for await (const upload of uploads.list(bundlePrefix(name), signal)) {
    found.push(upload)
    if (found.length === MOST_UPLOADS) break
  }
  return await withParts(uploads, name, found, signal)
}

/** These uploads of a bundle with what of them has arrived, in the order of their names; those of which nothing has are left out. */
export async function withParts(
  uploads: Uploads,
  name: BundleName,
  found: readonly Unfinished[],
  signal: AbortSignal,
): Promise<HostsUpload[]> {
  const prefix = bundlePrefix(name)
  const all = await inParallel(found, IN_FLIGHT, async (upload) => ({
    name: upload.key.slice(prefix.length),
    upload,
    parts: await uploads.parts(upload, signal),
  }))
  return all.filter(({ parts }) => parts.length > 0).sort((a, b) => (a.name < b.name ? -1 : 1))
}
