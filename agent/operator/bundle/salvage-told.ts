import type { Salvage } from '../../bundle/salvage-schema.ts'
import { joined, lengthOf, type Range } from '../../words/ranges.ts'
import { formatBytes } from '../../words/units.ts'

/** An object that a salvager has made of an upload, or was about to make when it was interrupted. */
export interface SalvagedUpload {
  /** Which upload. */
  readonly id: string
  /** How many of its parts had arrived. */
  readonly parts: number
  /** How long the object was to be. */
  readonly bytes: number
  /** Where nothing had arrived. */
  readonly holes: readonly Range[]
}

/** What salvagers have said of a bundle, all of them together: by the names of the objects. */
export type SalvageTold = ReadonlyMap<string, SalvagedUpload>

/** What several documents say, in their order. A hole that one of them names is one: only the first may have seen it. */
export function salvageTold(documents: readonly Salvage[]): SalvageTold | undefined {
  if (documents.length === 0) return undefined
  const uploads = new Map<string, SalvagedUpload>()
  for (const { name, bytes, upload } of documents
    .flatMap(({ receipts }) => receipts)
    .flatMap(({ objects }) => objects)) {
    if (upload === undefined) continue
    const { id, parts, holes } = upload
    const before = uploads.get(name)
    const known = before?.id === id ? before.holes : []
    uploads.set(name, { id, parts, bytes, holes: joined([...known, ...holes]) })
  }
  return uploads
}

/** Holes that are named one by one before the rest is a number. */
const TOLD = 3

/** Where something is missing of what had arrived, for a person. */
export function holesTold(holes: readonly Range[]): string {
  const places = holes.slice(0, TOLD).map(({ from }) => `at ${formatBytes(from)}`)
  const more = holes.length > TOLD ? ` and ${holes.length - TOLD} more places` : ''
  return `${formatBytes(lengthOf(holes))} of it never arrived (${places.join(', ')}${more} of what is stored)`
}
