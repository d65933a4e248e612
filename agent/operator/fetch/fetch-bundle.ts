import { bundlePrefix, isDocument } from '../../bundle/keys.ts'
import { Keyring } from '../../seal/keyring.ts'
import type { Identity } from '../../seal/keys.ts'
import { Lost } from '../../seal/lost.ts'
import type { Archive } from '../../store/store.ts'
import { sentence } from '../../words/cannot.ts'
import { inParallel } from '../../words/in-parallel.ts'
import type { BundleView } from '../bundle/bundle-view.ts'
import { DOCUMENT_BYTES, readBytes } from '../bundle/documents.ts'
import { type Holding, holdings } from '../bundle/holdings.ts'
import type { Progress } from '../terminal/progress.ts'
import { MOST_ARTIFACTS, refusedOf } from '../terminal/refused.ts'
import { Allowance, TooLargeError } from './allowance.ts'
import { expansionOf, type Fetched, fetchArtifact } from './fetch-artifact.ts'
import { FreeSpace } from './free-space.ts'
import { type Landing, landings } from './landing.ts'
import { placeBelow, writeOwn } from './place.ts'
import { isWanted } from './wanted.ts'

/** Artifacts on their way at a time: enough to fill a link that single streams do not, few enough to look at. */
const IN_FLIGHT = 4

export interface FetchWish {
  readonly directory: string
  /** Sources or artifacts that are wanted; all if undefined. */
  readonly only: readonly string[] | undefined
  /** What opens sealed objects; none, and they stay sealed. */
  readonly identities: readonly Identity[]
  /** Bytes that all of it may become, where a person said so: see allowance.ts. */
  readonly maxSize: number | undefined
}

/** The artifacts of a bundle that are asked for and of which something is stored. */
export function wanted(view: BundleView, only: readonly string[] | undefined): Holding[] {
  return holdings(view).filter(({ artifact, receipt }) => isWanted(only, artifact, receipt?.source))
}

/** Brings a bundle into a directory: its documents as they are, its artifacts where they land (see landing.ts). */
export async function fetchBundle(
  archive: Archive,
  view: BundleView,
  { directory, only, identities, maxSize }: FetchWish,
  progress: Progress,
  signal: AbortSignal,
): Promise<Fetched[]> {
  const prefix = bundlePrefix(view.name)
  for (const [document, bytes] of view.objects) {
    if (!isDocument(document) || bytes > DOCUMENT_BYTES) continue
    await writeOwn(await placeBelow(directory, document), await readBytes(archive, prefix + document, signal))
  }
  const opens = identities.length > 0
  const keyring = new Keyring(identities)
  const space = new FreeSpace(directory)
  const held = wanted(view, only)
  const places = landings(held, view, opens)
  const pairs = held.map((holding, i) => ({ holding, landing: places[i] as Landing }))
  const framed = pairs.filter(({ landing }) => landing.frames)
  const allowance = new Allowance(
    framed.map(({ holding }) => expansionOf(holding)),
    maxSize,
  )
  const fetched = await inParallel(
    pairs.slice(0, MOST_ARTIFACTS),
    IN_FLIGHT,
    async ({ holding, landing }): Promise<Fetched> => {
      const { artifact } = holding
      try {
        const lost = new Lost(holding.holes)
        const origin = { archive, prefix, holding, keyring: holding.sealed && opens ? keyring : undefined, space, lost }
        return await fetchArtifact(origin, landing, directory, allowance, progress, signal)
      } catch (error) {
        signal.throwIfAborted()
        const status = error instanceof TooLargeError ? 'refused' : 'failed'
        return { artifact, status, path: landing.name, files: [], bytes: 0, reason: sentence(error) }
      }
    },
  )
  const reason = refusedOf(pairs.length)
  const refused = pairs.slice(MOST_ARTIFACTS).map(({ holding: { artifact }, landing }): Fetched => {
    return { artifact, status: 'refused', path: landing.name, files: [], bytes: 0, reason }
  })
  return [...fetched, ...refused]
}
