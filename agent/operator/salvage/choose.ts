import { createHash } from 'node:crypto'
import { AGAIN_SUFFIX, isDocument } from '../../bundle/keys.ts'
import type { LeftUpload } from '../../bundle/salvage-schema.ts'
import { MOST_PARTS } from '../../store/window.ts'
import { joined, lengthOf, type Range } from '../../words/ranges.ts'
import { formatBytes } from '../../words/units.ts'
import { safeParts } from '../bundle/names.ts'
import type { SalvageTold } from '../bundle/salvage-told.ts'
import type { HostsUpload } from './unfinished.ts'

/**
 * Missing parts of one upload that are filled at most. A host has MOST_PARTS under way, so it leaves one less at most; who
 * has its credentials could have us send 80 GB of zeros for a part 10,000.
 */
const MOST_FILLED = 8 * MOST_PARTS

/** An upload that is to become the object that its host had begun. */
export interface Completable extends HostsUpload {
  /** Tells it from other uploads in what is said of it. */
  readonly id: string
  /** How many of its parts had arrived: filler of an earlier salvager is none. */
  readonly arrived: number
  /** Of the object. */
  readonly bytes: number
  /** Numbers of the parts that are filled. */
  readonly filled: readonly number[]
  /** Bytes of each of them. */
  readonly partBytes: number
  /** All filler that the object is going to have, that of an earlier salvager too. */
  readonly holes: readonly Range[]
}

/** What is known of a bundle beside its uploads. */
export interface Known {
  /** Objects that are there, below its prefix. */
  readonly objects: ReadonlyMap<string, number>
  /** What salvagers have said of it. */
  readonly salvage: SalvageTold | undefined
  /** As its opening names it. */
  readonly partBytes: number
}

export interface Choice {
  readonly complete: readonly Completable[]
  readonly left: readonly LeftUpload[]
}

/** Which of a bundle's uploads are completed, and why the others are left as they are. */
export function choose(uploads: readonly HostsUpload[], known: Known): Choice {
  const complete: Completable[] = []
  const left: LeftUpload[] = []
  for (const [name, some] of Map.groupBy(uploads, (upload) => upload.name)) {
    const [first, ...others] = some.toSorted(
      (a, b) => rank(b, known) - rank(a, known) || (a.upload.id < b.upload.id ? -1 : 1),
    )
    if (first === undefined) continue
    const reason = against(name, first, known)
    if (reason === undefined) complete.push(completable(first, known))
    else left.push(leftAs(first, reason))
    for (const other of others) left.push(leftAs(other, 'another upload of the same object has more of it'))
  }
  return { complete, left }
}

/** Of several uploads of one object that which was chosen before goes first, then that which has most of it. */
function rank({ name, upload, parts }: HostsUpload, { salvage }: Known): number {
  if (salvage?.get(name)?.id === idOf(upload.id)) return Number.POSITIVE_INFINITY
  return arrivedBytes(parts)
}

const arrivedBytes = (parts: HostsUpload['parts']) => parts.reduce((sum, { bytes }) => sum + bytes, 0)

/** A name for an upload that tells nobody how to send more parts of it. */
const idOf = (upload: string) => createHash('sha256').update(upload).digest('hex').slice(0, 16)

const leftAs = ({ name, parts }: HostsUpload, reason: string): LeftUpload => ({
  ...{ name, reason, parts: parts.length },
  bytes: arrivedBytes(parts),
})

/** Why an upload is not to be completed, if so. */
function against(name: string, { parts }: HostsUpload, { objects, partBytes }: Known): string | undefined {
  if (name.endsWith(AGAIN_SUFFIX)) return 'it comes from the disk of its host, which sends all of it anew'
  if (isDocument(name)) return 'no capture sends a document in parts'
  if (objects.has(name)) return 'the object is there already'
  const safe = safeParts(name)
  if ('refused' in safe) return safe.refused
  const last = parts.at(-1)?.number ?? 0
  if (parts.some(({ number, bytes }) => (number === last ? bytes > partBytes : bytes !== partBytes)))
    return `its parts are not of ${formatBytes(partBytes)} each, as its host says they are`
  const missing = last - parts.length
  if (missing > MOST_FILLED) return `${missing} of its ${last} parts are missing, and no capture has as many under way`
  return undefined
}

function completable(upload: HostsUpload, { salvage, partBytes }: Known): Completable {
  const { name, parts } = upload
  const id = idOf(upload.upload.id)
  const there = new Set(parts.map(({ number }) => number))
  const last = parts.at(-1) ?? { number: 1, bytes: 0 }
  const filled = Array.from({ length: last.number }, (_, i) => i + 1).filter((number) => !there.has(number))
  const told = salvage?.get(name)
  // What an earlier salvager has filled looks as if it had arrived.
  const before = told?.id === id ? told.holes : []
  const holes = joined([
    ...before,
    ...filled.map((number) => ({ from: (number - 1) * partBytes, to: number * partBytes })),
    ...parts.flatMap(({ number, bytes, missing = 0 }) => {
      const end = (number - 1) * partBytes + bytes
      return missing === 0 ? [] : [{ from: end - missing, to: end }]
    }),
  ])
  const isWhole = (number: number) =>
    holes.some(({ from, to }) => from <= (number - 1) * partBytes && to >= number * partBytes)
  const arrived = parts.filter(({ number }) => !isWhole(number)).length
  return { ...upload, id, filled, partBytes, holes, arrived, bytes: (last.number - 1) * partBytes + last.bytes }
}

/** Bytes of evidence in an upload. */
export function evidenceIn({ bytes, holes }: Pick<Completable, 'bytes' | 'holes'>): number {
  return bytes - lengthOf(holes)
}
