import { createHash, type Hash } from 'node:crypto'
import { cannot, sentence } from '../words/cannot.ts'
import { countOf } from '../words/count-of.ts'
import { cutBy, fitted, fittedFirst } from './fit.ts'
import type { Gathered } from './gather.ts'
import { PartsUnderWay, type Stream } from './parts-under-way.ts'
import { StoreError } from './store.ts'
import { hex, type Sums, update } from './sums.ts'

/** An object as it lies in the store. `sha256` in hex. */
export interface Segment {
  readonly key: string
  readonly bytes: number
  readonly sha256: string
}

export interface SegmentEnd {
  readonly segment: Segment
  /** Over everything stored up to the end of this segment. */
  readonly total: Hash
  /** The part that the next segment begins with. */
  readonly next?: Gathered | undefined
  readonly cut?: Error | undefined
}

/**
 * Stores one segment that begins with `first`; `before` has seen all segments before it. The first part is acknowledged
 * before the second is sent, for it holds the seal's header. When a later part fails, or the time to send ends, the leading
 * parts become the object. Throws a StoreError (or the signal's reason) when nothing can be stored.
 */
export async function writeSegment(stream: Stream, key: string, first: Gathered, before?: Hash): Promise<SegmentEnd> {
  const { store, until, signal } = stream
  const total = before?.copy() ?? createHash('sha256')
  // One object, one hash: only a second segment has two.
  const sums = { own: before === undefined ? total : createHash('sha256'), total }
  const part = fittedFirst(first, store.pace, until)
  if (!part.last) return await writeParts(stream, key, part, sums)
  update(sums, part.bytes)
  const { bytes } = await store.put(key, part.bytes, signal)
  return { segment: { key, bytes, sha256: hex(sums.own) }, total, cut: part.cut }
}

async function writeParts(stream: Stream, key: string, first: Gathered, sums: Sums): Promise<SegmentEnd> {
  const { store, until, signal } = stream
  const upload = await store.begin(key, until.signal)
  const parts = new PartsUnderWay(stream, upload, sums)
  parts.send(first, await parts.room())
  const { next, cut } = await sendRest(stream, parts)
  await parts.settled()
  const { failure, leading } = parts
  if (signal.aborted) throw failure ?? signal.reason
  if (leading === 0) throw failure ?? cut
  const { bytes } = await upload.complete(signal).catch((thrown: unknown) => {
    throw unfinished(failure, thrown, leading)
  })
  const end = parts.sumsUpTo(bytes)
  if (end === undefined) throw cannot(`store ${key}`, `the store says that it is ${bytes} bytes long`)
  return { segment: { key, bytes, sha256: hex(end.own) }, total: end.total, next, cut: failure ?? cut }
}

/** Sends what comes after the first part, which lands before: until nothing more comes or fits, or a part has failed. */
async function sendRest(stream: Stream, parts: PartsUnderWay): Promise<Pick<SegmentEnd, 'next' | 'cut'>> {
  const { store, partsPerSegment, until } = stream
  // The next part is gathered while those before it travel.
  let coming = gathered(stream)
  await parts.settled()
  for (;;) {
    const next = await coming
    if (next === undefined) return { cut: until.signal.aborted ? cutBy(store.pace) : undefined }
    if (parts.sent === partsPerSegment) return { next }
    const place = await parts.room().catch(() => undefined)
    if (place === undefined) return { cut: cutBy(store.pace) }
    const part = parts.failure === undefined ? fitted(next, store.pace, until) : undefined
    if (part === undefined) {
      place.leave()
      return { cut: cutBy(store.pace) }
    }
    parts.send(part, place)
    if (part.last) return { cut: part.cut }
    coming = gathered(stream)
  }
}

async function gathered({ parts }: Stream): Promise<Gathered | undefined> {
  const { value } = await parts.next().catch(() => ({ value: undefined }))
  return value ?? undefined
}

/** Says beside the error what has landed and became no object. */
function unfinished(failed: StoreError | undefined, thrown: unknown, parts: number): StoreError {
  const failure = failed?.failure ?? (thrown instanceof StoreError ? thrown.failure : 'transient')
  const why = failed === undefined ? sentence(thrown) : `${failed.message}; ${sentence(thrown)}`
  const message = `${why}; what had landed (${countOf(parts, 'part')}) is in an unfinished upload`
  return new StoreError(failure, message, { cause: thrown })
}
