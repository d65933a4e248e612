import type { Lease } from '../../streams/lease.ts'
import { LISTED, type LiveDetails } from '../../words/details.ts'
import { inParallel } from '../../words/in-parallel.ts'
import { inChunks, type Outcome, READ_BYTES, type Reading, readingPool } from '../host/reading.ts'
import { layOut, type Segment } from './elf-core.ts'
import { essentials, type Held } from './essentials.ts'
import type { Moment } from './moment.ts'
import { coreNotes } from './notes.ts'
import { AT_ONCE } from './pages.ts'
import { processPath } from './process-facts.ts'
import { bytesOf, type Sample, writableRuns } from './sample.ts'
import { coreSegments, type Survey, survey } from './survey.ts'
import type { Freeze, Target } from './target.ts'
import { stateOf } from './threads.ts'

/**
 * A whole core of a process at a moment, read while it is consumed: what the moment holds first, then memory by address. Lets the process
 * go when the last byte has been read; the reading owns the moment.
 */
export async function readCore(
  target: Target,
  freeze: Freeze,
  moment: Moment,
  sample: Sample | undefined,
  signal: AbortSignal,
): Promise<Reading> {
  const { standstill, memory, machine, directory } = moment
  const { pageSize } = memory
  const held = await essentials(moment, signal)
  const surveyed = await survey(directory, processPath(target), memory, signal)
  const { head, order } = layOut(machine, pageSize, coreNotes({ ...moment, pageSize }), coreSegments(surveyed, held))
  const pool = readingPool()
  let late = 0
  let ended = false

  async function fill(parts: readonly Part[]): Promise<Lease> {
    // Where a read fails or is left behind, the buffer does not come back: others may still write to it.
    const { bytes: chunk, release } = await pool.lease(signal)
    await inParallel(parts, AT_ONCE, async ({ start, at, length }) => {
      const bytes = chunk.subarray(at, at + length)
      const states = await memory.read(start, bytes, signal)
      if (freeze === 'whole' && standstill.over.aborted) late += states.filter((state) => state !== 0).length
      sample?.compare(start, bytes)
    })
    const filled = parts.reduce((sum, { length }) => sum + length, 0)
    return { bytes: chunk.subarray(0, filled), release }
  }

  async function* chunks(): AsyncGenerator<Lease, void, void> {
    const rest = partsOf(order.filter((segment) => !isHeld(segment)))
    let ahead = begin(rest)
    const first = Buffer.concat([head, ...order.flatMap((segment) => (isHeld(segment) ? segment.content : []))])
    yield* inChunks(first)
    while (ahead !== undefined) {
      const chunk = await ahead
      ahead = begin(rest)
      if (ahead === undefined) finish()
      yield chunk
    }
    finish()
  }

  function begin(rest: Generator<Part[], undefined, void>): Promise<Lease> | undefined {
    const parts = rest.next().value
    const ahead = parts && fill(parts)
    // Whoever consumes may abandon us before it is awaited: that must not become an unhandled rejection.
    ahead?.catch(() => {})
    return ahead
  }

  function finish(): void {
    standstill.letGo()
    ended ||= 'ZX'.includes(stateOf(target, Number(directory.slice(directory.lastIndexOf('/') + 1))))
  }

  return {
    chunks: chunks(),
    outcome: () => outcomeOf({ freeze, moment, surveyed, sample, late, ended }),
    async [Symbol.asyncDispose]() {
      pool[Symbol.dispose]()
      moment[Symbol.dispose]()
    },
  }
}

interface End {
  readonly freeze: Freeze
  readonly moment: Moment
  readonly surveyed: Survey
  readonly sample: Sample | undefined
  /** Pages that were read after the process had been let go though it should have stood still. */
  readonly late: number
  /** Whether the process ended before all of it was read. */
  readonly ended: boolean
}

function outcomeOf({ freeze, moment, surveyed, sample, late, ended }: End): Outcome {
  const { standstill, threads, missed, memory } = moment
  const freezeMs = Math.round(standstill.ms * 10) / 10
  const changed = (sample?.torn ?? 0) * (bytesOf(writableRuns(surveyed)) / memory.pageSize)
  const torn = freeze === 'whole' ? late : Math.round(changed)
  const truncated = ended
    ? 'the process ended while it was read'
    : late > 0
      ? `it was let go after ${freezeMs} ms: ${late} pages were read while it ran`
      : standstill.beyond > 0
        ? `${threads.length} of ${threads.length + standstill.beyond} threads are in it: no more are stopped of one process`
        : undefined
  const details: LiveDetails = {
    source: 'live',
    ...(missed.length > 0 && { missed: missed.slice(0, LISTED) }),
    ...(standstill.beyond > 0 && { beyond: standstill.beyond }),
    ...(late > 0 && { late }),
    ...(ended && { ended }),
  }
  return {
    ...(truncated !== undefined && { truncated }),
    identity: { threads: threads.length, freezeMs, torn, details },
  }
}

const isHeld = (segment: Segment): segment is Held => 'content' in segment

/** A stretch of memory, and its place in the chunk. */
interface Part {
  readonly start: number
  readonly at: number
  readonly length: number
}

/** Stored memory as parts of chunks of READ_BYTES, in order. */
function* partsOf(segments: readonly Segment[]): Generator<Part[], undefined, void> {
  let parts: Part[] = []
  let at = 0
  for (const { start, stored } of segments) {
    for (let done = 0; done < stored; ) {
      const length = Math.min(stored - done, READ_BYTES - at)
      parts.push({ start: start + done, at, length })
      done += length
      at += length
      if (at < READ_BYTES) continue
      yield parts
      parts = []
      at = 0
    }
  }
  if (parts.length > 0) yield parts
}
