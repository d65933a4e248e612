import { isZeros, ZEROS } from '../../../frames/zeros.ts'
import { type Lease, unlent } from '../../../streams/lease.ts'
import { withinOwn } from '../../../words/own-time.ts'
import { formatBytes } from '../../../words/units.ts'
import { type ElfHead, readElfHead } from '../../crashed-cores/elf-head.ts'
import { processIdentity } from '../../crashed-cores/read-core.ts'
import { wholeness } from '../../crashed-cores/wholeness.ts'
import { coreLayout, type ReadAt } from '../../elf/core-layout.ts'
import { START_BYTES, StartOf } from '../../elf/start-of.ts'
import type { OwnedFile } from '../../host/owned-file.ts'
import { type Outcome, type Reading, readingPool } from '../../host/reading.ts'

/** A core that the kernel writes, of which something has been read. */
export interface BegunPipe {
  readonly pipe: OwnedFile
  readonly start: Buffer
}

/** ms, of which we were run, in which the kernel must have written headers and notes: it has them in memory. */
const BEGIN_MS = 2_000
/** Bytes of a pipe: pipe(7). */
const PIPE_BYTES = 64 * 1024

/**
 * Reads a core up to the end of its notes, which tell of all threads, where it has these early enough. What has been read belongs before the rest. Rejects
 * where the kernel does not write it in time: then nobody can read the rest either, and the pipe is to be closed.
 */
export async function beginPipe(pipe: OwnedFile, parent: AbortSignal): Promise<BegunPipe> {
  using limit = withinOwn(BEGIN_MS, parent)
  const start = new StartOf()
  for (let wanted = 1; start.bytes < wanted; wanted = await notesEnd(start)) {
    const into = Buffer.allocUnsafeSlow(PIPE_BYTES)
    const bytes = await pipe.read(into, null, limit.signal)
    if (bytes === 0) break
    start.push(into.subarray(0, bytes))
  }
  return { pipe, start: await start.reader()(0, start.bytes) }
}

/** Reads in what has been read of it. */
export const inStart =
  ({ start }: BegunPipe): ReadAt =>
  async (at, length) =>
    start.subarray(at, at + length)

/** Where its notes end, by what there is of it; one byte more where not even that is known. */
async function notesEnd(start: StartOf): Promise<number> {
  const layout = await coreLayout(start.reader())
  if (layout === undefined) return 0
  const { notes, isAll } = layout
  const end = notes === undefined ? (isAll ? 0 : start.bytes + 1) : notes.offset + notes.size
  return Math.min(end, START_BYTES)
}

/**
 * Reads a core as the kernel writes it, at most `limit` bytes of it. Whether it is whole is known at its end: by what its headers have promised, for the
 * kernel breaks off where the process is killed. The reading owns the pipe; to close it lets the process go.
 */
export function readPipe({ pipe, start: begun }: BegunPipe, limit: number, signal: AbortSignal): Reading {
  const pool = readingPool()
  const start = new StartOf()
  let head: ElfHead | undefined
  let rest = begun
  let holes = 0
  let outcome: Outcome = {}

  /** Until the buffer is full, the kernel has written all, or the signal aborts: then what is there counts, and something may still write behind it. */
  async function fill(into: Buffer): Promise<{ readonly filled: number; readonly broken?: unknown }> {
    let filled = rest.copy(into)
    rest = rest.subarray(filled)
    try {
      while (filled < into.length) {
        const bytes = await pipe.read(into.subarray(filled), null, signal)
        if (bytes === 0) break
        filled += bytes
      }
      return { filled }
    } catch (broken) {
      return { filled, broken }
    }
  }

  async function* chunks(): AsyncGenerator<Lease, void, void> {
    for (let isEnd = false; !isEnd; ) {
      const { bytes, release } = await pool.lease(signal)
      const wanted = Math.min(bytes.length, limit - start.bytes)
      const { filled, broken } = await fill(bytes.subarray(0, wanted))
      const chunk = bytes.subarray(0, filled)
      // What is lent comes back and is written to.
      start.push(start.bytes < START_BYTES ? Buffer.from(chunk) : chunk)
      isEnd = filled < bytes.length
      if (isZeros(chunk)) {
        holes += filled
        release()
        yield unlent(ZEROS)
      } else if (filled > 0) yield { bytes: chunk, release: broken === undefined ? release : () => {} }
      if (broken !== undefined) throw broken
    }
    head = await readElfHead(start.reader())
    const known = { size: start.bytes, isChanged: false, layout: head?.layout, flaw: undefined, holds: undefined }
    const { unchecked, truncated } = wholeness({ suffix: '' }, { ...known, unpacked: undefined })
    const end = head?.layout.end ?? 0
    const cut = start.bytes < end ? CUT(start.bytes, end) : truncated
    outcome = { ...(cut !== undefined && { truncated: cut }), ...(unchecked && { identity: { unchecked } }) }
  }

  return {
    chunks: chunks(),
    outcome: () => ({
      ...outcome,
      identity: { ...(head && processIdentity(head.process)), ...(holes > 0 && { holes }), ...outcome.identity },
    }),
    async [Symbol.asyncDispose]() {
      pool[Symbol.dispose]()
      pipe[Symbol.dispose]()
    },
  }
}

const CUT = (bytes: number, end: number) =>
  `the kernel wrote only ${formatBytes(bytes)} of its ${formatBytes(end)}: its process was killed meanwhile, or was let go`
