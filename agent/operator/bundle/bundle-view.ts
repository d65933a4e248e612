import {
  type BundleName,
  type BundleStatus,
  bundleDay,
  bundlePrefix,
  INDEX_PREFIX,
  parseIndexKey,
  SALVAGE,
  segmentName,
} from '../../bundle/keys.ts'
import { lasts } from '../../bundle/lasts.ts'
import type { Salvage } from '../../bundle/salvage-schema.ts'
import type { Manifest, Opening, PlanDocument } from '../../bundle/schema.ts'
import { type Archive, StoreError } from '../../store/store.ts'
import { sentence } from '../../words/cannot.ts'
import { type BundleState, unclosed } from '../catalogue/catalogue.ts'
import { MOST_LISTED, type Reading, readDocument } from './documents.ts'
import { readingsOf } from './readings.ts'
import { type SalvageTold, salvageTold } from './salvage-told.ts'

/** All that can be known of a bundle without reading its artifacts. */
export interface BundleView {
  readonly name: BundleName
  readonly state: BundleState
  readonly opening: Opening | undefined
  readonly plan: PlanDocument | undefined
  /** Absent while the capture runs, and for good when the host died in it. */
  readonly manifest: Manifest | undefined
  /** What salvagers said of what had arrived. */
  readonly salvage: SalvageTold | undefined
  /** What a row of the index says that it is, where there is no manifest: nobody who captures writes a row first. */
  readonly claimed: BundleStatus | undefined
  /** When its capture must have ended, in ms since the epoch by the store's clock; undefined where that is not known. */
  readonly endsBy: number | undefined
  /** Bytes of every object that is there, by its name below the bundle's prefix, in key order. */
  readonly objects: ReadonlyMap<string, number>
  /** Documents that are there and cannot be used, one sentence each. */
  readonly faults: readonly string[]
}

/** Objects of a bundle that are looked at: more than a manifest can tell of, and not what somebody filled a prefix with. */
const MOST_OBJECTS = MOST_LISTED + 5000

/** Times that a bundle is salvaged, and says more than before, at most. */
const MOST_SALVAGES = 16
/** The documents of salvagers, in their order: each is created where the one before it is taken. */
export const SALVAGE_NAMES = Array.from({ length: MOST_SALVAGES }, (_, nth) => segmentName(SALVAGE, nth))

/** Lists a bundle's objects and reads its documents. A document that is damaged is a fault; the rest is still of use. */
export async function viewBundle(
  archive: Archive,
  { identity, bundle }: BundleName,
  now: number,
  signal: AbortSignal,
): Promise<BundleView> {
  // These two and nothing else: what an index entry says beside them is older than what is read here.
  const name = { identity, bundle }
  const prefix = bundlePrefix(name)
  const objects = new Map<string, number>()
  const faults: string[] = []
  let stored = 0
  let isCut = false
  for await (const { key, bytes, modified } of archive.list(prefix, signal)) {
    const object = key.slice(prefix.length)
    if (object === 'opening.json') stored = modified
    isCut = objects.size === MOST_OBJECTS
    if (isCut) break
    objects.set(object, bytes)
  }
  if (isCut)
    faults.push(
      `it has more than ${MOST_OBJECTS} objects: those after ${Array.from(objects.keys()).at(-1)} are left out`,
    )
  const document = async <T>(file: string, reading: Reading<T>): Promise<T | undefined> => {
    // Beyond where the listing was cut a document is looked for all the same, so that nobody can hide it.
    if (!isCut && !objects.has(file)) return undefined
    try {
      return await readDocument(archive, prefix + file, reading, faults, signal)
    } catch (error) {
      signal.throwIfAborted()
      const cause = error instanceof Error ? error.cause : undefined
      if (cause instanceof StoreError && cause.failure === 'missing') return undefined
      if (cause instanceof StoreError) throw error
      faults.push(sentence(error))
      return undefined
    }
  }
  const readings = readingsOf(name)
  // One after the other: each may be as large as a document may be, and takes several times that while it is read.
  const opening = await document('opening.json', readings.opening)
  const plan = await document('plan.json', readings.plan)
  const manifest = await document('manifest.json', readings.manifest)
  const salvages: Salvage[] = []
  for (const file of SALVAGE_NAMES) {
    const salvage = await document(file, readings.salvage)
    if (salvage === undefined && !objects.has(file)) break
    if (salvage !== undefined) salvages.push(salvage)
  }
  const salvage = salvageTold(salvages)
  const seconds = opening === undefined ? 0 : lasts(opening)
  const state = manifest?.status ?? (salvage === undefined ? undefined : 'salvaged') ?? unclosed(stored, seconds, now)
  const endsBy = stored > 0 && seconds > 0 ? stored + seconds * 1000 : undefined
  const claimed = manifest === undefined ? await rowOf(archive, name, signal) : undefined
  return { name, state, opening: opening ?? manifest, plan, manifest, salvage, claimed, endsBy, objects, faults }
}

async function rowOf(archive: Archive, name: BundleName, signal: AbortSignal): Promise<BundleStatus | undefined> {
  const prefix = `${INDEX_PREFIX}dt=${bundleDay(name.bundle)}/${name.identity}/${name.bundle}.`
  for await (const { key } of archive.list(prefix, signal)) {
    const mark = parseIndexKey(key)?.mark
    if (mark?.kind === 'row' && mark.status !== 'salvaged') return mark.status
  }
  return undefined
}
