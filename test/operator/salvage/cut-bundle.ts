import { randomBytes } from 'node:crypto'
import { type BundleName, bundlePrefix, SEALED_SUFFIX } from '../../../agent/bundle/keys.ts'
import type { PlanDocument, Receipt } from '../../../agent/bundle/schema.ts'
import { parseRecipient } from '../../../agent/seal/keys.ts'
import { PART_BYTES } from '../../../agent/store/part-bytes.ts'
import type { Store } from '../../../agent/store/store.ts'
import { buildBundle, type Piece, storedBytes } from '../bundle/bundle.ts'

const never = new AbortController().signal
/** Content of a frame: FRAMES.md. */
export const FRAME = 4 * 1024 * 1024

/** An artifact whose upload its host has not completed. */
export interface Cut {
  readonly piece: Piece
  /** Numbers of the parts that have arrived. */
  readonly arrived: readonly number[]
}

export interface CutPlan {
  readonly store: Store
  readonly name: BundleName
  readonly recipients?: readonly string[]
  readonly whole?: readonly Piece[]
  readonly cut: readonly Cut[]
  /** Its host has closed it all the same. */
  readonly end?: 'closed' | 'interrupted'
}

/** Leaves a bundle in a store as a host does that dies while it sends; gives the stored bytes of what was cut, by artifact. */
export async function cutBundle({ store, name, recipients = [], whole = [], cut, end = 'interrupted' }: CutPlan) {
  const others = cut.map(({ piece }) => lost(piece, recipients.length > 0))
  await buildBundle({ store, name, recipients, pieces: whole, others, end })
  const prefix = bundlePrefix(name)
  await store.put(
    `${prefix}plan.json`,
    Buffer.from(JSON.stringify(planOf(name, [...whole, ...cut.map((one) => one.piece)]))),
    never,
  )
  const all = new Map<string, Buffer>()
  for (const { piece, arrived } of cut) {
    const stored = await storedBytes(piece, recipients.map(parseRecipient))
    all.set(piece.artifact, stored)
    await leave(store, prefix + piece.artifact + (recipients.length > 0 ? SEALED_SUFFIX : ''), stored, arrived)
  }
  return all
}

/** Sends these parts of an object, and goes. */
export async function leave(store: Store, key: string, stored: Buffer, arrived: readonly number[]): Promise<void> {
  const upload = await store.begin(key, never)
  for (const number of arrived)
    await upload.part(number, stored.subarray((number - 1) * PART_BYTES, number * PART_BYTES), never)
}

/** A core of so many frames that do not compress. */
export function core(artifact: string, frames: number): Piece {
  return { artifact, source: 'live', content: randomBytes(frames * FRAME), encoding: 'frames', item: { pid: 7 } }
}

/** What a host says of what it could not complete. */
function lost({ artifact, source, item = {} }: Piece, sealed: boolean): Receipt {
  return {
    ...{ artifact, source, sealed, class: 'memory', status: 'failed', because: 'store', item, encoding: 'frames' },
    reason: 'its time was up; what had landed is in an unfinished upload',
    ...{ bytesIn: 0, bytesStored: 0, objects: [], ms: 1 },
  }
}

function planOf({ bundle }: BundleName, pieces: readonly Piece[]): PlanDocument {
  return {
    version: 1,
    bundle,
    rates: { read: 1, store: 1 },
    artifacts: [
      ...pieces.map(({ artifact, source }) => ({ artifact, source })),
      { artifact: 'journal/x.journal.zst', source: 'journal' },
    ].map((one) => ({
      ...one,
      ...{ class: 'memory', phase: 'stored', decision: 'take', limit: 1, bytes: 1 },
      estimate: { bytesStored: 1, ms: 1 },
    })),
  }
}
