import type { z } from 'zod'
import { type BundleName, bundlePrefix } from '../bundle/keys.ts'
import {
  type Manifest,
  manifestSchema,
  type Opening,
  openingSchema,
  type PlanDocument,
  planSchema,
} from '../bundle/schema.ts'
import { sentence } from '../cannot.ts'
import { type Archive, StoreError } from '../store/store.ts'
import { type BundleState, unclosed } from './catalogue.ts'
import { readDocument } from './documents.ts'

/** The documents of a bundle, by their names. */
export const DOCUMENTS = ['opening.json', 'plan.json', 'manifest.json'] as const

/** All that can be known of a bundle without reading its artifacts. */
export interface BundleView {
  readonly name: BundleName
  readonly state: BundleState
  readonly opening: Opening | undefined
  readonly plan: PlanDocument | undefined
  /** Absent while the capture runs, and for good when the host died in it. */
  readonly manifest: Manifest | undefined
  /** Bytes of every object that is there, by its name below the bundle's prefix, in key order. */
  readonly objects: ReadonlyMap<string, number>
  /** Documents that are there and cannot be used, one sentence each. */
  readonly faults: readonly string[]
}

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
  for await (const { key, bytes } of archive.list(prefix, signal)) objects.set(key.slice(prefix.length), bytes)
  const faults: string[] = []
  const document = async <T>(file: string, schema: z.core.$ZodType<T>): Promise<T | undefined> => {
    if (!objects.has(file)) return undefined
    try {
      return await readDocument(archive, prefix + file, schema, signal)
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof Error && error.cause instanceof StoreError) throw error
      faults.push(sentence(error))
      return undefined
    }
  }
  const ours = (other: BundleName) => other.identity === identity && other.bundle === bundle
  const [opening, plan, manifest] = await Promise.all([
    document('opening.json', openingSchema.refine(ours, 'it is of another bundle')),
    document('plan.json', planSchema),
    document('manifest.json', manifestSchema.refine(ours, 'it is of another bundle')),
  ])
  const state = manifest?.status ?? unclosed(bundle, now)
  return { name, state, opening: opening ?? manifest, plan, manifest, objects, faults }
}
