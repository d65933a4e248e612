import { isZeros, ZEROS } from '../../../frames/zeros.ts'
import { type Lease, unlent } from '../../../streams/lease.ts'
import { cannot } from '../../../words/cannot.ts'
import { formatBytes } from '../../../words/units.ts'
import { type ElfHead, readElfHead } from '../../crashed-cores/elf-head.ts'
import { processIdentity } from '../../crashed-cores/read-core.ts'
import { wholeness } from '../../crashed-cores/wholeness.ts'
import { START_BYTES, StartOf } from '../../elf/start-of.ts'
import type { OwnedFile } from '../../host/owned-file.ts'
import { type Outcome, type Reading, readingPool } from '../../host/reading.ts'
import type { Found } from '../source.ts'
import { type Arrival, KEPT_MS } from './intake.ts'
import { shrinking } from './item.ts'

/** A crash of this very moment: as much as the newest of a service. */
const VALUE = 500

/**
 * A core that the kernel is writing to us, as an item that comes up. Its process waits for it, but no longer than KEPT_MS until it is begun: then it
 * is let go. What is zeros in it, memory that was asked for and never touched, counts as holes.
 */
export function handedCore(
  { process, signal: ended, at }: Arrival,
  pipe: OwnedFile,
  { name, bootId }: { readonly name: string; readonly bootId: string | undefined },
): Found {
  const { bytes: resident, reserved, ...who } = process
  const bytes = Math.max(resident, reserved)
  const identity = {
    ...{ ...who, signal: ended, at, details: { source: 'cores', handed: true } as const },
    ...(bootId !== undefined && { bootId }),
  }
  let isThere = true
  const givenUp = setTimeout(() => {
    isThere = false
    pipe[Symbol.dispose]()
  }, KEPT_MS)
  givenUp.unref()
  return {
    ...{ id: `handed over ${who.pid} ${at}`, source: 'cores', name, class: 'memory', phase: 'stored' },
    ...{ encoding: 'frames', bytes, holes: bytes - resident, ratio: shrinking(resident, bytes), value: VALUE },
    identity,
    async open(limit, signal) {
      clearTimeout(givenUp)
      if (!isThere) throw cannot(`take the core of ${who.comm}[${who.pid}]`, 'its process waits for it no longer')
      isThere = false
      const reading = readPipe(pipe, limit, signal)
      return {
        ...reading,
        outcome() {
          const { identity: seen, ...outcome } = reading.outcome()
          const inside = seen?.details?.source === 'cores' ? seen.details : {}
          return { ...outcome, identity: { ...seen, ...identity, details: { ...inside, ...identity.details } } }
        },
      }
    },
  }
}

/**
 * Reads a core as the kernel writes it, at most `limit` bytes of it. Whether it is whole is known at its end: by what its headers have promised, for the
 * kernel breaks off where the process is killed. The reading owns the pipe; to close it lets the process go.
 */
function readPipe(pipe: OwnedFile, limit: number, signal: AbortSignal): Reading {
  const pool = readingPool()
  const start = new StartOf()
  let head: ElfHead | undefined
  let holes = 0
  let outcome: Outcome = {}

  /** Until the buffer is full, the kernel has written all, or the signal aborts: then what is there counts, and something may still write behind it. */
  async function fill(into: Buffer): Promise<{ readonly filled: number; readonly broken?: unknown }> {
    let filled = 0
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
