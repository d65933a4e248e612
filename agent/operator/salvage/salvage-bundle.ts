import { type BundleName, bundlePrefix, rowKey } from '../../bundle/keys.ts'
import type { LeftUpload } from '../../bundle/salvage-schema.ts'
import { rowOfManifest, salvagedRow } from '../../bundle/salvaged-row.ts'
import { type Archive, StoreError } from '../../store/store.ts'
import type { Completed } from '../../store/uploads.ts'
import { cannot, sentence } from '../../words/cannot.ts'
import { SALVAGE_NAMES } from '../bundle/bundle-view.ts'
import { type Completable, evidenceIn } from './choose.ts'
import { look, type Place, type Plan } from './plan.ts'
import { receiptsOf, recordOf } from './record.ts'

/** Looks at a bundle that another salvager is at, too, or to which parts still come, before it is left to another day. */
const MOST_LOOKS = 8

/** What became of an upload. `completed`: by us or by another salvager, it is an object now. `lost`: somebody has removed it. */
export interface Outcome {
  readonly name: string
  readonly status: 'completed' | 'lost' | 'failed'
  /** Of evidence. */
  readonly bytes: number
  readonly reason?: string
}

export interface Salvaged {
  readonly name: BundleName
  readonly outcomes: readonly Outcome[]
  readonly left: readonly LeftUpload[]
}

/**
 * Completes what a plan says, and closes the bundle: the record first, then the uploads, then the row. Each step only creates and
 * may be done twice, or by several at once; an interruption between any two leaves what the next run ends.
 */
export async function salvageBundle(place: Place, plan: Plan, agent: string, signal: AbortSignal): Promise<Salvaged> {
  const { name } = plan.view
  const outcomes = new Map<string, Outcome>()
  let current = plan
  for (let looks = 1; looks <= MOST_LOOKS; looks += 1) {
    if (await carryOut(place, current, agent, outcomes, signal)) {
      return { name, outcomes: [...outcomes.values()], left: current.left }
    }
    const next = await look(place, name, signal)
    if (next.is === 'closed') return { name, outcomes: [...outcomes.values()], left: current.left }
    if (next.is !== 'due')
      throw cannot(`salvage ${name.identity}/${name.bundle}`, 'it has changed meanwhile; try again')
    current = next.plan
  }
  throw cannot(`salvage ${name.identity}/${name.bundle}`, 'others are at it; try again')
}

/** Does all of a plan, and tells whether nothing was otherwise than the plan says. */
async function carryOut(
  { archive, uploads }: Place,
  plan: Plan,
  agent: string,
  outcomes: Map<string, Outcome>,
  signal: AbortSignal,
): Promise<boolean> {
  const { view, opening, complete, now } = plan
  const { name, manifest } = view
  const prefix = bundlePrefix(name)
  if (!plan.isTold) {
    const free = SALVAGE_NAMES.find((document) => !view.objects.has(document))
    if (free === undefined)
      throw cannot(`salvage ${name.identity}/${name.bundle}`, `it has ${SALVAGE_NAMES.length} records already`)
    const record = document(recordOf(view, plan, now, agent))
    // Another has said something since we looked: what we took for parts may be his filler.
    if ((await uploads.put(prefix + free, record, signal)) === 'exists') return false
  }
  for (const one of complete) {
    const outcome = await completed(one)
    if (outcome === undefined) return false
    outcomes.set(one.name, outcome)
  }
  const isWhole = complete.every((one) => outcomes.get(one.name)?.status === 'completed')
  if (plan.hasRow || !isWhole) return true
  const row =
    manifest === undefined ? salvagedRow(opening, receiptsOf(view, complete), name) : rowOfManifest(manifest, name)
  await uploads.put(rowKey(name, 'salvaged', row.why, opening.trigger === 'previous-boot'), document(row), signal)
  return true

  /** Undefined where it is to be looked at anew. */
  async function completed(one: Completable): Promise<Outcome | undefined> {
    const of = { name: one.name, bytes: evidenceIn(one) }
    try {
      const filler = { numbers: one.filled, bytes: one.partBytes }
      const came: Completed = await uploads.complete(one.upload, one.parts, filler, signal)
      if (came === 'changed') return undefined
      if (came === 'completed' || (await isThere(archive, prefix + one.name, signal)))
        return { ...of, status: 'completed' }
      return { ...of, status: 'lost', reason: 'the upload is gone: a lifecycle rule or somebody else has removed it' }
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof StoreError)) throw error
      return { ...of, status: 'failed', reason: sentence(error) }
    }
  }
}

async function isThere(archive: Archive, key: string, signal: AbortSignal): Promise<boolean> {
  for await (const entry of archive.list(key, signal)) if (entry.key === key) return true
  return false
}

/** A document as it is stored: JSON that a person can read too. */
function document(json: object): Buffer {
  return Buffer.from(`${JSON.stringify(json, null, 2)}\n`)
}
