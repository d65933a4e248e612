import type { BundleName } from '../../bundle/keys.ts'
import { leftSchema, type Salvage, salvagedReceiptSchema, salvageSchema } from '../../bundle/salvage-schema.ts'
import {
  findingSchema,
  type Manifest,
  manifestSchema,
  type Opening,
  openingSchema,
  type PlanDocument,
  plannedSchema,
  planSchema,
  receiptSchema,
} from '../../bundle/schema.ts'
import { apart, checked, checkedEach, type Reading, spared } from './documents.ts'

/** A capture tells of some forty at most: findings/findings.ts. */
const MOST_FINDINGS = 256
/** Uploads that a salvager has left as they are. */
const MOST_LEFT = 256
/** What a manifest may lack. */
const OPTIONAL = ['shutdown', 'clockSkewMs', 'about', 'labels', 'requested', 'heldMs']

/**
 * How the documents of a bundle are read. What was copied from another bundle is refused; of what is listed, each element
 * is read for itself.
 */
export function readingsOf({ identity, bundle }: BundleName): {
  readonly opening: Reading<Opening>
  readonly plan: Reading<PlanDocument>
  readonly manifest: Reading<Manifest>
  readonly salvage: Reading<Salvage>
} {
  const ours = <T extends BundleName>(document: T): T => {
    if (document.identity === identity && document.bundle === bundle) return document
    throw new Error('it is of another bundle')
  }
  return {
    opening: (json, faults) => ours(checked(openingSchema, spared(openingSchema.shape, json ?? {}, OPTIONAL, faults))),
    plan: (json, faults) => {
      const { rest, listed } = apart(json, 'artifacts')
      const plan = checked(planSchema.omit({ artifacts: true }), rest)
      return { ...plan, artifacts: checkedEach('planned artifact', plannedSchema, listed, faults) }
    },
    manifest: (json, faults) => {
      const { rest, listed } = apart(json, 'receipts')
      const { rest: plain, listed: found } = apart(rest, 'findings')
      const form = manifestSchema.omit({ receipts: true, findings: true })
      const manifest = ours(checked(form, spared(manifestSchema.shape, plain, OPTIONAL, faults)))
      const findings = checkedEach('finding', findingSchema, found, faults, MOST_FINDINGS)
      return { ...manifest, findings, receipts: checkedEach('receipt', receiptSchema, listed, faults) }
    },
    salvage: (json, faults) => {
      const { rest, listed } = apart(json, 'receipts')
      const { rest: plain, listed: uploads } = apart(rest, 'left')
      const salvage = ours(checked(salvageSchema.omit({ receipts: true, left: true }), plain))
      const left = checkedEach('upload', leftSchema, uploads, faults, MOST_LEFT)
      return { ...salvage, left, receipts: checkedEach('salvaged receipt', salvagedReceiptSchema, listed, faults) }
    },
  }
}
