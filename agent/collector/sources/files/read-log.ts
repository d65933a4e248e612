import { posix } from 'node:path'
import type { Lease } from '../../../streams/lease.ts'
import type { Pool } from '../../../streams/pool.ts'
import { cannot } from '../../../words/cannot.ts'
import type { FilesDetails } from '../../../words/details.ts'
import { shownName } from '../../../words/host-name.ts'
import { formatBytes } from '../../../words/units.ts'
import { READ_BYTES, type Reading, readingPool } from '../../host/reading.ts'
import type { Piece } from './choose.ts'
import { openCopy } from './find-again.ts'
import { findParts, nextParts, type Part, type Place } from './log-parts.ts'

/** How often it is looked for what was written while the newest end was read: each time that is less, unless it is written faster than it is read. */
const MOST_LOOKS = 3

/** Reads a piece of a log; of one that is more than `limit` bytes by now, the newest. */
export async function readLog(place: Place, piece: Piece, limit: number, signal: AbortSignal): Promise<Reading> {
  const owned = new DisposableStack()
  try {
    const { parts, rotated, lost } = await findParts(place, piece, owned, signal)
    const left = shorten(parts, limit)
    return new LogReading(place, piece, { parts, rotated, lost, left, limit }, owned, signal)
  } catch (error) {
    owned[Symbol.dispose]()
    throw error
  }
}

/** Takes bytes away at the beginning until no more than `limit` are left; how many it took. */
function shorten(parts: Part[], limit: number): number {
  let over = Math.max(0, parts.reduce((sum, { from, to }) => sum + to - from, 0) - limit)
  const took = over
  for (const part of parts) {
    const less = Math.min(over, part.to - part.from)
    part.from += less
    over -= less
  }
  return took
}

interface Found {
  readonly parts: Part[]
  readonly rotated: string | undefined
  readonly lost: string | undefined
  /** Bytes at the beginning that are left out. */
  readonly left: number
  readonly limit: number
}

/** The piece on its way: reads on into what is begun in a file's place, and finds out where a file that shrinks has gone. */
class LogReading implements Reading {
  readonly chunks: AsyncIterable<Lease>
  readonly #place: Place
  readonly #piece: Piece
  readonly #queue: Part[]
  readonly #left: number
  readonly #from: number
  readonly #owned: DisposableStack
  readonly #pool: Pool
  readonly #signal: AbortSignal
  #rotated: string | undefined
  #lost: string | undefined
  #room: number
  #taken = 0

  constructor(
    place: Place,
    piece: Piece,
    { parts, rotated, lost, left, limit }: Found,
    owned: DisposableStack,
    signal: AbortSignal,
  ) {
    this.#place = place
    this.#piece = piece
    this.#queue = parts
    this.#left = left
    this.#from = lost === undefined ? piece.from + left : 0
    this.#owned = owned
    this.#signal = signal
    this.#rotated = rotated
    this.#lost = lost
    this.#room = limit
    this.#pool = readingPool()
    this.chunks = this.#chunks()
  }

  outcome() {
    const { to, from } = this.#piece
    const details: FilesDetails = {
      ...detailsOf(this.#piece),
      ...{ from: this.#from, to: this.#from + this.#taken },
      ...(this.#rotated !== undefined && { rotated: shownName(posix.basename(this.#rotated)) }),
    }
    const short = `only the newest ${formatBytes(this.#taken)} of ${formatBytes(to - from)} were read`
    const truncated = [...(this.#lost === undefined ? [] : [this.#lost]), ...(this.#left > 0 ? [short] : [])].join('; ')
    return { identity: { details }, ...(truncated !== '' && { truncated }) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#pool[Symbol.dispose]()
    this.#owned[Symbol.dispose]()
  }

  async *#chunks(): AsyncGenerator<Lease, void, void> {
    let looks = this.#piece.rank === 0 ? MOST_LOOKS : 0
    for (;;) {
      const part = this.#queue.shift()
      if (part === undefined) return
      yield* this.#read(part)
      if (this.#queue.length > 0 || looks-- === 0 || this.#room === 0) continue
      this.#queue.push(...(await nextParts(this.#place.root, this.#piece, part, this.#owned, this.#signal)))
    }
  }

  async *#read(part: Part): AsyncGenerator<Lease, void, void> {
    for (let at = part.from; at < part.to && this.#room > 0; ) {
      const { bytes, release } = await this.#pool.lease(this.#signal)
      const wanted = Math.min(READ_BYTES, part.to - at, this.#room)
      const read = await part.handle.fill(bytes.subarray(0, wanted), at, this.#signal).catch((error: unknown) => {
        throw cannot(`read ${shownName(this.#piece.seen.path)} at byte ${at}`, error)
      })
      at += read.length
      this.#taken += read.length
      this.#room -= read.length
      if (read.length > 0) yield { bytes: read, release }
      else release()
      if (read.length < wanted) return await this.#shrank(part, at)
    }
  }

  /** It was cut to its beginning while it was read: what is gone of it may have been copied before, and more may follow in it. */
  async #shrank(part: Part, at: number): Promise<void> {
    const { root, known } = this.#place
    const isNewest = this.#piece.rank === 0
    const copy = await openCopy(root, { ...this.#piece.seen, size: part.to }, known, this.#signal)
    if (copy === undefined)
      this.#lost ??= `it shrank while it was read: ${formatBytes(part.to - at)} from byte ${at} on are gone`
    else {
      this.#owned.use(copy.handle)
      this.#rotated = copy.real
      const id = `${copy.stats.dev}:${copy.stats.ino}`
      this.#queue.unshift({
        handle: copy.handle,
        real: copy.real,
        id,
        from: at,
        to: isNewest ? copy.stats.size : part.to,
      })
    }
    const { size } = await part.handle.stat(this.#signal)
    if (isNewest) this.#queue.push({ ...part, from: 0, to: Math.min(size, at) })
  }
}

/** What is known of a piece before it is read. */
export function detailsOf({ seen, from, to, rank }: Piece): FilesDetails {
  const { size, uid, gid, mode, mtimeMs } = seen
  const owner = { uid, gid, mode, modified: Math.round(mtimeMs) }
  return { source: 'files', size, from, to, ...(rank > 0 && { older: true }), ...owner }
}
