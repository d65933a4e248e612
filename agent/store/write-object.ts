import { createHash, type Hash } from 'node:crypto'
import { segmentName } from '../bundle/keys.ts'
import type { Lease } from '../streams/lease.ts'
import { cannot } from '../words/cannot.ts'
import type { Deadline } from '../words/deadline.ts'
import { gather } from './gather.ts'
import { PARTS_PER_SEGMENT, type Store, StoreError } from './store.ts'
import { hex } from './sums.ts'
import { type Segment, writeSegment } from './write-segment.ts'

export interface WriteOptions {
  /** Parts under way at a time at most, at least 1, where that is to be fewer than the store's window has room for. */
  readonly inFlight?: number
  /** When the sending ends, if before the hard end: what has landed by then becomes the object in the time between. */
  readonly until?: Deadline
  /** Parts after which the object goes on in the next segment. */
  readonly partsPerSegment?: number
}

/** What became of a stream: one object, or several when it is huge; none when it failed before its first byte. */
export interface Written {
  readonly segments: readonly Segment[]
  readonly bytes: number
  /** Over all stored bytes, in hex. */
  readonly sha256: string
  /** Why it is not all of the stream, where it is not. */
  readonly cut?: Error
}

/**
 * Stores a stream under `key` (and `key.001` and so on): in one request when it fits into one part, else in parts. When
 * the stream fails or is ended, what had arrived becomes the object, to the last byte; so do the leading parts when the
 * store fails later on, or the time to send ends. `signal` is the hard end of it all. Throws a StoreError when nothing could be stored.
 */
export async function writeObject(
  store: Store,
  key: string,
  stored: AsyncIterable<Lease>,
  options: WriteOptions,
  signal: AbortSignal,
): Promise<Written> {
  const { inFlight = Number.POSITIVE_INFINITY, partsPerSegment = PARTS_PER_SEGMENT } = options
  const until = options.until ?? { signal, at: Number.POSITIVE_INFINITY, left: () => Number.POSITIVE_INFINITY }
  const stop = new AbortController()
  const parts = gather(stored, AbortSignal.any([until.signal, signal, stop.signal]))
  const stream = { store, parts, inFlight, partsPerSegment, stop, until, signal }
  const segments: Segment[] = []
  let total: Hash | undefined
  let cut: Error | undefined
  try {
    let { value: first } = await parts.next()
    if (first?.cut !== undefined && first.bytes.length === 0) return written(segments, total, first.cut)
    while (first) {
      const end = await writeSegment(stream, segmentName(key, segments.length), first, total)
      segments.push(end.segment)
      total = end.total
      cut = end.cut
      first = cut === undefined ? end.next : undefined
    }
  } catch (thrown) {
    cut = storeError(key, thrown)
    if (segments.length === 0) throw cut
  } finally {
    stop.abort()
    void parts.return().catch(() => {})
  }
  return written(segments, total, cut)
}

function written(segments: readonly Segment[], total: Hash = createHash('sha256'), cut?: Error): Written {
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0)
  return { segments, bytes, sha256: hex(total), ...(cut && { cut }) }
}

function storeError(key: string, thrown: unknown): StoreError {
  if (thrown instanceof StoreError) return thrown
  return new StoreError('transient', cannot(`store ${key}`, thrown).message, { cause: thrown })
}
