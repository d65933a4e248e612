import type { Lease } from '../../streams/lease.ts'
import type { Pool } from '../../streams/pool.ts'
import type { MemoryDetails, PageKind } from '../../words/details.ts'
import { formatBytes } from '../../words/units.ts'
import { type Outcome, READ_BYTES, type Reading, readingPool } from '../host/reading.ts'
import type { KcoreMap } from './kcore-map.ts'
import type { KcoreReader } from './kcore-reader.ts'
import { CLASSES } from './page-class.ts'
import type { PageFlags } from './page-flags.ts'
import { type Parts, piecesOf } from './pieces.ts'
import { DATA_RANK, type PageRange } from './survey.ts'
import { TakenPages } from './taken-pages.ts'
import { countTorn } from './torn.ts'
import { type Layout, mappingOf } from './vmcore.ts'
import { type Wanted, wants } from './wanted.ts'

/** What a snapshot is read from, and how it shall lie. The snapshot owns the reader and the flags. */
export interface Snapshot {
  readonly map: KcoreMap
  readonly ram: readonly PageRange[]
  readonly pageSize: number
  readonly wanted: Wanted
  /** Classes of what is of DATA_RANK. */
  readonly first: readonly PageKind[]
  readonly layout: Layout
  readonly kcore: KcoreReader
  readonly flags: PageFlags
}

/**
 * The vmcore as it is written: VMCORE.md. The flags of each page are read right before the page, so that what was freed since
 * the survey is zeros. Pages that changed between reading and the end are counted as `torn`.
 */
export function readSnapshot(snapshot: Snapshot, limit: number, signal: AbortSignal): Reading {
  const { layout, pageSize, ram, wanted, flags } = snapshot
  const pool = readingPool()
  const taken = new TakenPages(layout.order)
  const progress: Progress = { bytes: 0, lost: 0, stored: 0, torn: new Map(), compared: 0 }
  let filling: Promise<unknown> = Promise.resolve()

  async function* chunks(): AsyncGenerator<Lease, void, void> {
    const pieces = piecesOf(layout, pageSize)
    const begin = (): Promise<Lease> | undefined => {
      const parts = pieces.next().value
      if (parts === undefined) return undefined
      const chunk = fill(snapshot, parts, pool, taken, progress, signal)
      filling = chunk.catch(() => {})
      return chunk
    }
    let ahead = begin()
    while (ahead !== undefined && progress.bytes < limit) {
      const { bytes, release }: Lease = await ahead
      ahead = begin()
      const fitting = bytes.subarray(0, limit - progress.bytes)
      progress.bytes += fitting.length
      yield { bytes: fitting, release }
    }
    await filling
    if (progress.bytes === layout.bytes) Object.assign(progress, await countTorn(ram, wanted, flags, taken, signal))
  }

  return {
    chunks: chunks(),
    outcome: () => outcomeOf(snapshot, progress),
    async [Symbol.asyncDispose]() {
      pool[Symbol.dispose]()
      snapshot.kcore[Symbol.dispose]()
      snapshot.flags[Symbol.dispose]()
    },
  }
}

interface Progress {
  /** Of the file, that have been given out. */
  bytes: number
  /** That could not be read and are zeros. */
  lost: number
  /** Pages that were read. */
  stored: number
  /** Of the pages that were looked at once more, those that had changed, by class, and how many were read of those looked at. */
  torn: ReadonlyMap<PageKind, number>
  compared: number
}

async function fill(
  { map, wanted, kcore, flags, pageSize }: Snapshot,
  { head, pieces, bytes }: Parts,
  pool: Pool,
  taken: TakenPages,
  progress: Progress,
  signal: AbortSignal,
): Promise<Lease> {
  // Where a read fails or is left behind, the buffer does not come back: others may still write to it.
  const { bytes: buffer, release } = await pool.lease(signal)
  const chunk = buffer.subarray(0, bytes)
  head?.copy(chunk)
  const reads: Promise<number>[] = []
  const classes = new Uint8Array(READ_BYTES / pageSize)
  for (const { run, first, pages, at, classify } of pieces) {
    const piece = classes.subarray(0, pages)
    await flags.classes(first, piece, classify, signal)
    const isWanted = wants(wanted, first)
    const mapping = mappingOf(map, first * pageSize)
    if (mapping === undefined) throw new Error(`no mapping of page ${first}`)
    const offset = mapping.offset + BigInt(first * pageSize - mapping.start)
    for (let from = 0; from < pages; ) {
      const want = isWanted(first + from, piece[from] ?? 0)
      let to = from + 1
      while (to < pages && isWanted(first + to, piece[to] ?? 0) === want) to++
      const target = chunk.subarray(at + from * pageSize, at + to * pageSize)
      if (want) {
        taken.add(run, first + from, first + to)
        progress.stored += to - from
        const read = kcore.read(offset + BigInt(from * pageSize), target, signal)
        read.catch(() => {}) // it may fail while the flags of the next pages are awaited
        reads.push(read)
      } else target.fill(0)
      from = to
    }
  }
  for (const lost of await Promise.all(reads)) progress.lost += lost
  return { bytes: chunk, release }
}

function outcomeOf({ layout, pageSize, first }: Snapshot, progress: Progress): Outcome {
  const { head, order, bytes } = layout
  let end = head.length
  const whole = new Map<PageKind, boolean>()
  for (const run of order) {
    end += (run.end - run.start) * pageSize
    for (const name of run.rank === DATA_RANK ? first : [CLASSES[run.rank] ?? 'missing'])
      whole.set(name, (whole.get(name) ?? true) && end <= progress.bytes)
  }
  const complete = progress.bytes >= bytes
  const names = [...whole].filter(([, isWhole]) => isWhole).map(([name]) => name)
  const upTo = names.length === 0 ? 'no class of pages is whole' : `whole: ${names.join(', ')}`
  const torn = [...progress.torn].map(([of, pages]) => ({ of, pages }))
  const details: MemoryDetails = {
    source: 'memory',
    whole: names,
    pages: progress.stored,
    ...(complete && { compared: progress.compared, torn }),
    ...(progress.lost > 0 && { unread: progress.lost }),
  }
  return {
    ...(!complete && {
      truncated: `it was cut after ${formatBytes(progress.bytes)} of ${formatBytes(bytes)}; ${upTo}`,
    }),
    identity: { torn: torn.reduce((sum, { pages }) => sum + pages, 0), details },
  }
}
