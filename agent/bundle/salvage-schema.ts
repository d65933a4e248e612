import { z } from 'zod'
import { IDENTITY } from '../words/identity.ts'
import { isBundleId } from './keys.ts'

/** What a salvager says of a bundle, as a schema: BUNDLE.md says it in words. */

/** Many times what a salvager fills: of one object no more parts than are missing of an upload that he completes. */
const MOST_HOLES = 1000
const bytes = z.number().int().nonnegative()

/** Bytes of an object, `to` not among them. */
const rangeSchema = z.object({ from: bytes, to: bytes })

export const salvagedObjectSchema = z.object({
  /** Below the bundle's prefix. */
  name: z.string(),
  /** As it lies there, filler included. */
  bytes,
  /** Of an object that its host did not complete: what had arrived. */
  upload: z
    .object({
      /** Tells one upload from another: a hash of what the store calls it. */
      id: z.string(),
      parts: z.number().int(),
      /** Where nothing had arrived: filler. */
      holes: z.array(rangeSchema).max(MOST_HOLES).readonly(),
    })
    .optional(),
})

export const salvagedReceiptSchema = z.object({
  /** Without the seal's suffix. */
  artifact: z.string(),
  /** As it was planned; what came up later has neither. */
  class: z.enum(['open', 'text', 'memory']).optional(),
  source: z.string().optional(),
  /**
   * `arrived`: its host had made the object. `unfinished`: the object is what had arrived of it, and may lack its end.
   * `missing`: it was planned, and nothing of it is there. `skipped`: it was not to be taken.
   */
  status: z.enum(['arrived', 'unfinished', 'missing', 'skipped']),
  sealed: z.boolean(),
  /** Without filler. */
  bytesStored: bytes,
  objects: z.array(salvagedObjectSchema).readonly(),
})

/** An upload that is left as it is. */
export const leftSchema = z.object({ name: z.string(), parts: z.number().int(), bytes, reason: z.string() })

export const salvageSchema = z.object({
  version: z.literal(1),
  identity: z.string().regex(IDENTITY),
  bundle: z.string().refine(isBundleId, 'not a bundle id'),
  /** When, by the store's clock. */
  salvaged: z.iso.datetime(),
  /** Version of the lastgasp that did it. */
  agent: z.string(),
  /** Whether the host's own manifest was there. */
  closed: z.boolean(),
  receipts: z.array(salvagedReceiptSchema).readonly(),
  left: z.array(leftSchema).readonly(),
})

export type SalvagedObject = z.infer<typeof salvagedObjectSchema>
export type SalvagedReceipt = z.infer<typeof salvagedReceiptSchema>
export type LeftUpload = z.infer<typeof leftSchema>
export type Salvage = z.infer<typeof salvageSchema>
