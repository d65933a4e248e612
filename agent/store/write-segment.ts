import { createHash, type Hash } from 'node:crypto'
import { cannot, sentence } from '../words/cannot.ts'
import { countOf } from '../words/count-of.ts'
import type { Deadline } from '../words/deadline.ts'
import { fitted, fittedFirst, partsAtOnce, TimeUp } from './fit.ts'
import type { Gathered } from './gather.ts'
import { type Store, StoreError } from './store.ts'

/** An object as it lies in the store. `sha256` in hex. */
export interface Segment {
  readonly key: string
  readonly bytes: number
  readonly sha256: string
}

/** What all segments of one stream share. */
export interface Stream {
  readonly store: Store
  readonly parts: AsyncGenerator<Gathered, void>
  readonly inFlight: number
  readonly partsPerSegment: number
  /** Ends `parts` when the store has failed. */
  readonly stop: AbortController
  /** When the sending ends. */
  readonly until: Deadline
  /** The hard end. */
  readonly signal: AbortSignal
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
  update(sums, part.body)
  const { bytes } = await store.put(key, part.body, signal)
  return { segment: { key, bytes, sha256: hex(sums.own) }, total, cut: part.cut }
}

async function writeParts(stream: Stream, key: string, first: Gathered, sums: Sums): Promise<SegmentEnd> {
  const { store, parts, inFlight, partsPerSegment, stop, until, signal } = stream
  const upload = await store.begin(key, until.signal)
  const flying = new Set<Promise<void>>()
  const landed = new Set<number>()
  // The sums up to each part from the last of the leading ones that have landed: where a failure may make us end.
  const marks = new Map<number, Sums & { readonly bytes: number }>()
  let sent = 0
  let bytesSent = 0
  let leading = 0
  let failure: StoreError | undefined

  function send(part: Gathered): void {
    const number = ++sent
    update(sums, part.body)
    bytesSent += part.body.length
    marks.set(number, { ...copy(sums), bytes: bytesSent })
    const flight = upload
      .part(number, part.body, until.signal)
      .then(
        () => {
          part.release()
          landed.add(number)
          while (landed.delete(leading + 1)) marks.delete(leading++)
        },
        (thrown: StoreError) => {
          failure ??= thrown
          stop.abort(thrown)
        },
      )
      .finally(() => flying.delete(flight))
    flying.add(flight)
  }

  // The next part is gathered while those before it travel.
  const gathered = () =>
    parts.next().then(
      ({ value }) => value ?? undefined,
      () => undefined,
    )
  send(first)
  let coming = gathered()
  await Promise.all(flying)
  let next: Gathered | undefined
  let cut: Error | undefined
  while (failure === undefined) {
    next = await coming
    if (next === undefined && until.signal.aborted) cut = new TimeUp(store.pace)
    if (next === undefined || sent === partsPerSegment) break
    while (flying.size >= partsAtOnce(store.pace, inFlight)) await Promise.race(flying)
    if (failure !== undefined) break
    const part = fitted(next, store.pace, until)
    if (part !== undefined) send(part)
    cut = part === undefined ? new TimeUp(store.pace) : part.cut
    if (part?.last !== false) {
      next = undefined
      break
    }
    coming = gathered()
  }
  await Promise.all(flying)
  if (signal.aborted) throw failure ?? signal.reason
  if (leading === 0) throw failure ?? cut
  const { bytes } = await upload.complete(signal).catch((thrown: unknown) => {
    throw unfinished(failure, thrown, leading)
  })
  const end = [...marks.values()].find((mark) => mark.bytes === bytes)
  if (end === undefined) throw cannot(`store ${key}`, `the store says that it is ${bytes} bytes long`)
  return { segment: { key, bytes, sha256: hex(end.own) }, total: end.total, next, cut: failure ?? cut }
}

/** Says beside the error what has landed and became no object. */
function unfinished(failed: StoreError | undefined, thrown: unknown, parts: number): StoreError {
  const failure = failed?.failure ?? (thrown instanceof StoreError ? thrown.failure : 'transient')
  const why = failed === undefined ? sentence(thrown) : `${failed.message}; ${sentence(thrown)}`
  const message = `${why}; what had landed (${countOf(parts, 'part')}) is in an unfinished upload`
  return new StoreError(failure, message, { cause: thrown })
}

/** sha256 over one segment and over all of them; the same object while there is but one. */
interface Sums {
  readonly own: Hash
  readonly total: Hash
}

function update({ own, total }: Sums, body: Buffer): void {
  own.update(body)
  if (total !== own) total.update(body)
}

function copy({ own, total }: Sums): Sums {
  const now = own.copy()
  return { own: now, total: total === own ? now : total.copy() }
}

/** The sum so far; the hash can go on. */
export function hex(hash: Hash): string {
  return hash.copy().digest('hex')
}
