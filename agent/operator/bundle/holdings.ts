import { AGAIN_SUFFIX, SEALED_SUFFIX } from '../../bundle/keys.ts'
import type { Receipt } from '../../bundle/schema.ts'
import { type BundleView, DOCUMENTS } from './bundle-view.ts'
import { safeParts } from './names.ts'

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
  /** Absent in an interrupted bundle, and for what no manifest names. */
  readonly receipt: Receipt | undefined
  /** Why these objects are not what the receipt says: some are not there, not of that size, or must not be read. */
  readonly fault: string | undefined
}

/** The artifacts of a bundle by its receipts, followed by what lies there without one. */
export function holdings({ manifest, objects }: BundleView): Holding[] {
  const known = new Set<string>(DOCUMENTS)
  const held: Holding[] = []
  for (const receipt of manifest?.receipts ?? []) {
    const holding = receipt.objects.length > 0 ? ofReceipt(receipt, known, objects) : undefined
    if (holding !== undefined) held.push(holding)
    for (const { name } of [...receipt.objects, ...(holding?.objects ?? [])]) known.add(name)
  }
  const loose = new Map<string, Map<string, HeldObject>>()
  for (const [name, bytes] of objects) {
    if (known.has(name)) continue
    const segment = firstName(name)
    const whole = segment.replace(/\.\d{3}$/, '')
    const segments = loose.get(whole) ?? new Map<string, HeldObject>()
    // Of what was begun and came again, the longer one.
    if ((segments.get(segment)?.bytes ?? -1) < bytes) segments.set(segment, { name, bytes, sha256: undefined })
    loose.set(whole, segments)
  }
  for (const [name, segments] of loose) {
    const inOrder = [...segments].sort(([one], [other]) => (one < other ? -1 : 1))
    held.push(
      ofListing(
        name,
        inOrder.map(([, object]) => object),
      ),
    )
  }
  return held
}

/** What the manifest and the listing tell against an artifact whose stored bytes are as they should be. */
export function toldAgainst({ fault, receipt }: Holding): { status: 'truncated'; reason: string } | undefined {
  if (fault !== undefined) return { status: 'truncated', reason: fault }
  if (receipt?.status !== 'truncated') return undefined
  return { status: 'truncated', reason: receipt.reason ?? 'no reason was given' }
}

function ofReceipt(receipt: Receipt, known: ReadonlySet<string>, stored: ReadonlyMap<string, number>): Holding {
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
  const sha256 = fault === undefined ? receipt.sha256 : undefined
  return { artifact, sealed, encoding, objects, bytes: sum(objects), sha256, receipt, fault }
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
  if (known.has(name)) return { why: `its object ${name} belongs to something else`, unusable: true }
  const there = stored.get(name)
  if (there === undefined) return { why: `its object ${name} is not in the store`, unusable: true }
  if (there === bytes) return undefined
  return { why: `its object ${name} has ${there} bytes, and its receipt says ${bytes}`, unusable: false }
}

function ofListing(name: string, objects: readonly HeldObject[]): Holding {
  const sealed = name.endsWith(SEALED_SUFFIX)
  const artifact = sealed ? name.slice(0, -SEALED_SUFFIX.length) : name
  const unknown = { encoding: undefined, sha256: undefined, receipt: undefined, fault: undefined }
  return { artifact, sealed, objects, bytes: sum(objects), ...unknown }
}

function sum(objects: readonly HeldObject[]): number {
  return objects.reduce((bytes, object) => bytes + object.bytes, 0)
}
