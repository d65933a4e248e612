import { AGAIN_SUFFIX, isDocument, SEALED_SUFFIX, segmentName } from '../../bundle/keys.ts'
import type { Receipt } from '../../bundle/schema.ts'
import { joined, type Range } from '../../words/ranges.ts'
import type { BundleView } from './bundle-view.ts'
import { safeParts } from './names.ts'
import { holesTold, type SalvageTold } from './salvage-told.ts'

/** One stored object, named below the bundle's prefix. What a receipt does not tell is not known. */
export interface HeldObject {
  readonly name: string
  /** What the receipt says, if there is as much in the store. */
  readonly bytes: number
  readonly sha256: string | undefined
}

/** An artifact of which something is stored: what `fetch` brings and `verify` checks. */
export interface Holding {
  /** Its name without the seal's suffix. */
  readonly artifact: string
  readonly sealed: boolean
  /** Undefined where no receipt tells. */
  readonly encoding: 'frames' | 'as-is' | undefined
  /** In order; one after the other they are the artifact, or its beginning if there is a fault. */
  readonly objects: readonly HeldObject[]
  /** Of all these objects. */
  readonly bytes: number
  readonly sha256: string | undefined
  /** Where there is filler in these objects, because nothing had arrived when they were salvaged. */
  readonly holes: readonly Range[]
  /** Absent in an interrupted bundle, and for what no manifest names. */
  readonly receipt: Receipt | undefined
  /** Why these objects are not what the receipt says: some are not there, not of that size, or must not be read. */
  readonly fault: string | undefined
}

/** The artifacts of a bundle by its receipts, followed by what lies there without one. */
export function holdings({ manifest, salvage, objects }: BundleView): Holding[] {
  const known = new Set<string>()
  const held: Holding[] = []
  for (const receipt of manifest?.receipts ?? []) {
    const holding = receipt.objects.length > 0 ? ofReceipt(receipt, known, objects, salvage) : undefined
    if (holding !== undefined) held.push(holding)
    for (const { name } of [...receipt.objects, ...(holding?.objects ?? [])]) known.add(name)
  }
  // What was given up while it was sent has a receipt that says so, and may have been salvaged since.
  const unstored = new Map(
    manifest?.receipts.filter((one) => one.objects.length === 0).map((one) => [one.artifact, one]),
  )
  const loose = new Map<string, Map<string, HeldObject>>()
  for (const [name, bytes] of objects) {
    if (known.has(name) || isDocument(name)) continue
    const segment = firstName(name)
    const whole = segment.replace(/\.\d{3}$/, '')
    const segments = loose.get(whole) ?? new Map<string, HeldObject>()
    // Of what was begun and came again, the longer one; of the same length what came again, for the other may have holes.
    if ((segments.get(segment)?.bytes ?? -1) <= bytes) segments.set(segment, { name, bytes, sha256: undefined })
    loose.set(whole, segments)
  }
  for (const [name, segments] of loose) {
    const inOrder = [...segments].sort(([one], [other]) => (one < other ? -1 : 1))
    held.push(
      ofListing(
        name,
        inOrder.map(([, object]) => object),
        salvage,
        unstored,
      ),
    )
  }
  return held
}

/** What the manifest and the listing tell against an artifact whose stored bytes are as they should be. */
export function toldAgainst({ fault, receipt, holes }: Holding): { status: 'truncated'; reason: string } | undefined {
  if (fault !== undefined) return { status: 'truncated', reason: fault }
  if (holes.length > 0) return { status: 'truncated', reason: holesTold(holes) }
  if (receipt?.status !== 'truncated') return undefined
  return { status: 'truncated', reason: receipt.reason ?? 'no reason was given' }
}

/** What is to be said of an artifact in whose stored bytes there is `trouble`: what never arrived is named first. */
export function withHoles<T extends { readonly reason: string }>(
  holding: Holding,
  trouble: T | undefined,
): T | undefined {
  const told = holding.holes.length === 0 ? undefined : holesTold(holding.holes)
  if (trouble === undefined || told === undefined || trouble.reason === told) return trouble
  return { ...trouble, reason: `${told}; ${trouble.reason}` }
}

function ofReceipt(
  receipt: Receipt,
  known: ReadonlySet<string>,
  stored: ReadonlyMap<string, number>,
  salvage: SalvageTold | undefined,
): Holding {
  const { artifact, sealed, encoding } = receipt
  const objects: HeldObject[] = []
  let fault: string | undefined
  for (const named of receipt.objects) {
    const object = { ...named, name: nameOf(named, stored) }
    const trouble = troubleWith(object, known, stored)
    fault = trouble?.why
    if (trouble?.unusable !== true)
      objects.push({ ...object, bytes: Math.min(object.bytes, stored.get(object.name) ?? 0) })
    if (trouble !== undefined) break
  }
  const goesOn = fault === undefined ? segmentsAfter(receipt, stored, salvage) : []
  objects.push(...goesOn)
  const sha256 = fault === undefined && goesOn.length === 0 ? receipt.sha256 : undefined
  const holes = goesOn.length === 0 ? [] : holesOf(objects, salvage)
  return { artifact, sealed, encoding, objects, bytes: sum(objects), sha256, holes, receipt, fault }
}

/** The segments of a huge artifact that its host could not complete any more, and a salvager has. */
function segmentsAfter(
  { objects }: Receipt,
  stored: ReadonlyMap<string, number>,
  salvage: SalvageTold | undefined,
): HeldObject[] {
  const [first] = objects
  if (first === undefined || salvage === undefined) return []
  const segments: HeldObject[] = []
  for (let segment = objects.length; ; segment += 1) {
    const name = segmentName(first.name, segment)
    const bytes = stored.get(name)
    if (bytes === undefined || !salvage.has(name)) return segments
    segments.push({ name, bytes, sha256: undefined })
  }
}

/** Under which name an object lies: one that came again, for something of it lay there already, has a name of its own. */
function nameOf({ name, bytes }: HeldObject, stored: ReadonlyMap<string, number>): string {
  const again = name + AGAIN_SUFFIX
  const there = stored.get(again)
  if (there === undefined) return name
  return there === bytes || stored.get(name) !== bytes ? again : name
}

function firstName(name: string): string {
  return name.endsWith(AGAIN_SUFFIX) ? name.slice(0, -AGAIN_SUFFIX.length) : name
}

function troubleWith({ name, bytes }: HeldObject, known: ReadonlySet<string>, stored: ReadonlyMap<string, number>) {
  const parts = safeParts(name)
  if ('refused' in parts) return { why: `its object is refused: ${parts.refused}`, unusable: true }
  if (known.has(name) || isDocument(name))
    return { why: `its object ${name} belongs to something else`, unusable: true }
  const there = stored.get(name)
  if (there === undefined) return { why: `its object ${name} is not in the store`, unusable: true }
  if (there === bytes) return undefined
  return { why: `its object ${name} has ${there} bytes, and its receipt says ${bytes}`, unusable: false }
}

/** The artifact of which an object is a part, by the object's name. */
export function artifactOf(object: string): string {
  const whole = firstName(object).replace(/\.\d{3}$/, '')
  return whole.endsWith(SEALED_SUFFIX) ? whole.slice(0, -SEALED_SUFFIX.length) : whole
}

function ofListing(
  name: string,
  objects: readonly HeldObject[],
  salvage: SalvageTold | undefined,
  receipts: ReadonlyMap<string, Receipt>,
): Holding {
  const sealed = name.endsWith(SEALED_SUFFIX)
  const artifact = sealed ? name.slice(0, -SEALED_SUFFIX.length) : name
  const holes = holesOf(objects, salvage)
  const isSalvaged = objects.some((object) => salvage?.has(object.name))
  const receipt = isSalvaged ? receipts.get(artifact) : undefined
  const unknown = { sha256: undefined, fault: undefined }
  return { artifact, sealed, objects, bytes: sum(objects), holes, receipt, encoding: receipt?.encoding, ...unknown }
}

/** The holes of an artifact, counted from the beginning of its first object. */
function holesOf(objects: readonly HeldObject[], salvage: SalvageTold | undefined): Range[] {
  let begin = 0
  const holes = objects.flatMap(({ name, bytes }) => {
    const at = begin
    begin += bytes
    const own = joined(salvage?.get(name)?.holes ?? [], bytes)
    return own.map(({ from, to }) => ({ from: at + from, to: at + to }))
  })
  return joined(holes)
}

function sum(objects: readonly HeldObject[]): number {
  return objects.reduce((bytes, object) => bytes + object.bytes, 0)
}
