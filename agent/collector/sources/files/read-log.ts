import { posix } from 'node:path'
import type { Lease } from '../../../streams/lease.ts'
import { cannot } from '../../../words/cannot.ts'
import type { FilesDetails } from '../../../words/details.ts'
import { shownName } from '../../../words/host-name.ts'
import { formatBytes } from '../../../words/units.ts'
import { type Outcome, READ_BYTES, type Reading, readingPool } from '../../host/reading.ts'
import type { Piece } from './choose.ts'
import { Log, type Part, type Place } from './log-parts.ts'

/** How often it is looked for what was written while the newest end was read: each time that is less, unless it is written faster than it is read. */
const MOST_LOOKS = 3

/** Reads a piece of a log; of one that is more than `limit` bytes by now, the newest. */
export async function readLog(place: Place, piece: Piece, limit: number, signal: AbortSignal): Promise<Reading> {
  const log = new Log(place, piece, signal)
  try {
    const parts = await log.parts()
    return new LogReading(place, log, piece, parts, limit, signal)
  } catch (error) {
    log[Symbol.dispose]()
    throw error
  }
}

/** A piece on its way: goes on into what is begun in a file's place, and finds out where a file that shrinks has gone. */
class LogReading implements Reading {
  readonly chunks: AsyncIterable<Lease>
  readonly #place: Place
  readonly #log: Log
  readonly #piece: Piece
  readonly #queue: Part[]
  /** Bytes at the beginning that are left out. */
  readonly #short: number
  readonly #from: number
  readonly #pool = readingPool()
  readonly #signal: AbortSignal
  #room: number
  #taken = 0

  constructor(place: Place, log: Log, piece: Piece, parts: Part[], limit: number, signal: AbortSignal) {
    this.#place = place
    this.#log = log
    this.#piece = piece
    this.#queue = parts
    this.#short = shorten(parts, limit)
    this.#from = log.lost === undefined ? piece.from + this.#short : 0
    this.#signal = signal
    this.#room = limit
    this.chunks = this.#chunks()
  }

  outcome(): Outcome {
    const { rotated, lost } = this.#log
    const details: FilesDetails = {
      ...detailsOf(this.#piece),
      ...{ from: this.#from, to: this.#from + this.#taken },
      ...(rotated !== undefined && { rotated: shownName(posix.basename(rotated)) }),
    }
    const short = `only the newest ${formatBytes(this.#taken)} of ${formatBytes(this.#taken + this.#short)} were read`
    const truncated = [...(lost === undefined ? [] : [lost]), ...(this.#short > 0 ? [short] : [])].join('; ')
    return { identity: { details }, ...(truncated !== '' && { truncated }) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#pool[Symbol.dispose]()
    this.#log[Symbol.dispose]()
  }

  async *#chunks(): AsyncGenerator<Lease, void, void> {
    let looks = this.#piece.rank === 0 ? MOST_LOOKS : 0
    for (let part = this.#queue.shift(); part !== undefined; part = this.#queue.shift()) {
      yield* this.#read(part)
      if (this.#queue.length === 0 && this.#room > 0 && looks-- > 0) this.#queue.push(...(await this.#log.after()))
    }
  }

  async *#read(part: Part): AsyncGenerator<Lease, void, void> {
    for (let at = part.from; at < part.to && this.#room > 0; ) {
      const { bytes, release } = await this.#pool.lease(this.#signal)
      const wanted = Math.min(READ_BYTES, part.to - at, this.#room)
      const read = await part.handle.fill(bytes.subarray(0, wanted), at, this.#signal).catch((error: unknown) => {
        throw cannot(`read ${shownName(this.#piece.seen.path)} at byte ${at}`, error)
      })
      const copy = await this.#log.cutMeanwhile(part, at)
      if (copy !== undefined) {
        release()
        return await this.#goOn(part, at, copy)
      }
      at += read.length
      if (this.#piece.rank === 0) this.#place.onRead(part.id, at)
      this.#taken += read.length
      this.#room -= read.length
      if (read.length > 0) yield { bytes: read, release }
      else release()
      if (read.length < wanted) return await this.#shrank(part, at)
      // Nothing follows in a file after which another one was begun, but what came before that.
      if (at === part.to && this.#queue.length > 0) await this.#log.grow(part)
    }
  }

  /** It was cut to its beginning while it was read, and what is gone of it may have been copied before. */
  async #shrank(part: Part, at: number): Promise<void> {
    const copy = await this.#log.copied({ ...this.#piece.seen, size: part.to }, at)
    if (copy === undefined)
      this.#log.lost ??= `it was cut while it was read: ${formatBytes(part.to - at)} that were to follow byte ${at} are gone`
    await this.#goOn(part, at, copy ?? [])
  }

  /** Goes on in a copy, and then with what is in the file by now. */
  async #goOn(part: Part, at: number, copy: readonly Part[]): Promise<void> {
    this.#queue.unshift(...copy)
    if (this.#piece.rank === 0) this.#queue.push(await this.#log.anew(part, at))
  }
}

/** Takes bytes away at the beginning until no more than `limit` are left; how many it took. */
function shorten(parts: readonly Part[], limit: number): number {
  const took = Math.max(0, parts.reduce((sum, { from, to }) => sum + to - from, 0) - limit)
  let over = took
  for (const part of parts) {
    const less = Math.min(over, part.to - part.from)
    part.from += less
    over -= less
  }
  return took
}

/** What is known of a piece before it is read. */
export function detailsOf({ seen, from, to, rank }: Piece): FilesDetails {
  const { size, uid, gid, mode, mtimeMs } = seen
  const owner = { uid, gid, mode, modified: Math.round(mtimeMs) }
  return { source: 'files', size, from, to, ...(rank > 0 && { older: true }), ...owner }
}
