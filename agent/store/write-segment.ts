import { createHash, type Hash } from 'node:crypto'
import type { Gathered } from './gather.ts'
import type { Store, StoreError } from './store.ts'

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
 * before the second is sent, for it holds the seal's header. When a later part fails, the leading parts become the
 * object. Throws a StoreError (or the signal's reason) when nothing can be stored.
 */
export async function writeSegment(stream: Stream, key: string, first: Gathered, before?: Hash): Promise<SegmentEnd> {
  const { store, signal } = stream
  const total = before?.copy() ?? createHash('sha256')
  // One object, one hash: only a second segment has two.
  const own = before === undefined ? total : createHash('sha256')
  if (!first.last) return await writeParts(stream, key, first, { own, total })
  update({ own, total }, first.body)
  const { bytes } = await store.put(key, first.body, signal)
  return { segment: { key, bytes, sha256: hex(own) }, total, cut: first.cut }
}

async function writeParts(stream: Stream, key: string, first: Gathered, sums: Sums): Promise<SegmentEnd> {
  const { store, parts, inFlight, partsPerSegment, stop, signal } = stream
  const upload = await store.begin(key, signal)
  const flying = new Set<Promise<void>>()
  const landed = new Set<number>()
  // The sums up to each part from the last of the leading ones that have landed: where a failure may make us end.
  const marks = new Map<number, Sums>()
  let sent = 0
  let leading = 0
  let failure: StoreError | undefined

  function send(part: Gathered): void {
    const number = ++sent
    update(sums, part.body)
    marks.set(number, copy(sums))
    const flight = upload
      .part(number, part.body, signal)
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
    if (next === undefined || sent === partsPerSegment) break
    if (flying.size >= inFlight) await Promise.race(flying)
    if (failure !== undefined) break
    send(next)
    cut = next.cut
    if (next.last) {
      next = undefined
      break
    }
    coming = gathered()
  }
  await Promise.all(flying)
  if (signal.aborted) throw failure ?? signal.reason
  const end = marks.get(leading)
  if (end === undefined) throw failure
  const { bytes } = await upload.complete(signal).catch((thrown: unknown) => {
    throw failure ?? thrown
  })
  return { segment: { key, bytes, sha256: hex(end.own) }, total: end.total, next, cut: failure ?? cut }
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
