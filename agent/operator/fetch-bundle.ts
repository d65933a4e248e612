import { bundlePrefix } from '../bundle/keys.ts'
import { sentence } from '../cannot.ts'
import type { Identity } from '../seal/keys.ts'
import type { Archive } from '../store/store.ts'
import { type BundleView, DOCUMENTS } from './bundle-view.ts'
import { DOCUMENT_BYTES, readBytes } from './documents.ts'
import { type Fetched, fetchArtifact } from './fetch-artifact.ts'
import { type Holding, holdings } from './holdings.ts'
import { inParallel } from './in-parallel.ts'
import { type Landing, landings } from './landing.ts'
import { placeBelow, writeOwn } from './place.ts'
import type { Progress } from './progress.ts'
import { isWanted } from './wanted.ts'

/** Artifacts on their way at a time: enough to fill a link that single streams do not, few enough to look at. */
const IN_FLIGHT = 4

export interface FetchWish {
  readonly directory: string
  /** Sources or artifacts that are wanted; all if undefined. */
  readonly only: readonly string[] | undefined
  /** What opens sealed objects; none, and they stay sealed. */
  readonly identities: readonly Identity[]
}

/** The artifacts of a bundle that are asked for and of which something is stored. */
export function wanted(view: BundleView, only: readonly string[] | undefined): Holding[] {
  return holdings(view).filter(({ artifact, receipt }) => isWanted(only, artifact, receipt?.source))
}

/** Brings a bundle into a directory: its documents as they are, its artifacts where they land (see landing.ts). */
export async function fetchBundle(
  archive: Archive,
  view: BundleView,
  { directory, only, identities }: FetchWish,
  progress: Progress,
  signal: AbortSignal,
): Promise<Fetched[]> {
  const prefix = bundlePrefix(view.name)
  for (const document of DOCUMENTS) {
    if ((view.objects.get(document) ?? Infinity) > DOCUMENT_BYTES) continue
    await writeOwn(await placeBelow(directory, document), await readBytes(archive, prefix + document, signal))
  }
  const opens = identities.length > 0
  const held = wanted(view, only)
  const places = landings(held, view, opens)
  const pairs = held.map((holding, i) => ({ holding, landing: places[i] as Landing }))
  return await inParallel(pairs, IN_FLIGHT, async ({ holding, landing }) => {
    const { artifact } = holding
    try {
      const keys = holding.sealed && opens ? identities : undefined
      return await fetchArtifact({ archive, prefix, holding, identities: keys }, landing, directory, progress, signal)
    } catch (error) {
      signal.throwIfAborted()
      return { artifact, status: 'failed', path: landing.name, files: [], bytes: 0, reason: sentence(error) }
    }
  })
}
