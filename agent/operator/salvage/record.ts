import type { Salvage, SalvagedReceipt } from '../../bundle/salvage-schema.ts'
import { isoTime, NO_TIME } from '../../words/instant.ts'
import { joined, lengthOf } from '../../words/ranges.ts'
import type { BundleView } from '../bundle/bundle-view.ts'
import { type Holding, holdings } from '../bundle/holdings.ts'
import type { SalvageTold } from '../bundle/salvage-told.ts'
import type { Choice, Completable } from './choose.ts'

/**
 * What a salvager says of a bundle before it fills and completes anything: from then on nobody takes filler for evidence,
 * whenever it is interrupted. `now`: ms since the epoch by the store's clock.
 */
export function recordOf(view: BundleView, { complete, left }: Choice, now: number, agent: string): Salvage {
  return {
    ...{ version: 1, ...view.name, agent, closed: view.manifest !== undefined },
    salvaged: isoTime(now) ?? NO_TIME,
    receipts: receiptsOf(view, complete),
    left,
  }
}

/** A receipt of each artifact; of a bundle that its host has closed, of those that come of uploads. */
export function receiptsOf(view: BundleView, complete: readonly Completable[]): SalvagedReceipt[] {
  const salvage = new Map(view.salvage)
  for (const { name, id, arrived, bytes, holes } of complete) salvage.set(name, { id, parts: arrived, bytes, holes })
  const objects = new Map([...view.objects, ...complete.map(({ name, bytes }) => [name, bytes] as const)])
  const planned = new Map(view.plan?.artifacts.map((artifact) => [artifact.artifact, artifact]))
  const there = holdings({ ...view, objects, salvage }).map(receiptOf)
  if (view.manifest !== undefined) return there.filter(({ status }) => status === 'unfinished')
  const known = new Set(there.map(({ artifact }) => artifact))
  const others = [...planned.values()].filter(({ artifact }) => !known.has(artifact))
  const nothing = { sealed: false, bytesStored: 0, objects: [] }
  return [
    ...there,
    ...others.map(({ artifact, decision }): SalvagedReceipt => {
      const isSkipped = decision === 'skip' || decision === 'if-trouble'
      return { artifact, ...about(artifact), status: isSkipped ? 'skipped' : 'missing', ...nothing }
    }),
  ]

  function about(artifact: string) {
    const plan = planned.get(artifact)
    return plan === undefined ? {} : { class: plan.class, source: plan.source }
  }

  function receiptOf({ artifact, sealed, objects, bytes, holes }: Holding): SalvagedReceipt {
    const isUnfinished = objects.some(({ name }) => salvage.has(name))
    return {
      artifact,
      ...about(artifact),
      status: isUnfinished ? 'unfinished' : 'arrived',
      sealed,
      bytesStored: bytes - lengthOf(holes),
      objects: objects.map(({ name, bytes }) => {
        const upload = salvage.get(name)
        if (upload === undefined) return { name, bytes }
        return { name, bytes, upload: { id: upload.id, parts: upload.parts, holes: joined(upload.holes, bytes) } }
      }),
    }
  }
}

/** Whether all that is to be said of these uploads has been said. */
export function isTold(told: SalvageTold | undefined, complete: readonly Completable[]): boolean {
  if (told === undefined) return false
  return complete.every(({ name, id, bytes, holes }) => {
    const said = told.get(name)
    return (
      said?.id === id && said.bytes === bytes && lengthOf(joined([...said.holes, ...holes])) === lengthOf(said.holes)
    )
  })
}
