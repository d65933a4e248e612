import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Lease } from '../../../streams/lease.ts'
import { abandonable } from '../../../words/deadline.ts'
import type { FactsDetails } from '../../../words/details.ts'
import { HostReads } from '../../host/host-reads.ts'
import { ledger } from '../../host/ledger.ts'
import { inChunks, type Outcome, type Reading } from '../../host/reading.ts'
import type { History } from '../../recorder/history.ts'
import type { Recorder } from '../../recorder/recorder.ts'
import type { Entry } from '../../tar/entry.ts'
import { ENTRY_BYTES, TAR_END, tarWriter } from '../../tar/tar-writer.ts'
import type { Found, Inventory, Source, SourceContext } from '../source.ts'
import { gather, JOURNAL, SUMMARY } from './gather.ts'
import { historyDetails } from './history-told.ts'

/** Plain bytes of all entries but the journal's text. Compressed about a tenth of it. */
const FACTS_BYTES = 8 * 1024 * 1024
/** Plain bytes kept for errors.txt: 500 lines. */
const ERRORS_BYTES = 64 * 1024
/** And for the summary, with its headers: a hundred lines. */
const SUMMARY_BYTES = 24 * 1024
/** For the estimate, as measured: the files that are always there, a process, a line of the journal; and zstd's ratio. */
const BASE_BYTES = 384 * 1024
const PROCESS_BYTES = 2048
const LINE_BYTES = 160
/** Of the history's two tables, a look. */
const LOOK_BYTES = 1500
const RATIO = 0.15
/** Each read has its own bound, and the tables have theirs: on a slow host nothing may come for a while. */
const PATIENCE_MS = 30_000

/**
 * Kernel and process state as one tar of text: FACTS.md. The first thing of a capture, so it needs no fork (but for the
 * journal's lines at its end), no disk, few descriptors and little memory, and whatever ends it early, the tar is whole.
 */
export function factsSource(recorder?: Pick<Recorder, 'history'>): Source {
  const recorded = () => recorder?.history()
  return { name: 'facts', open: (context) => ({ inventory: (_, signal) => inventory(context, recorded, signal) }) }
}

async function inventory(context: SourceContext, recorded: Recorded, signal: AbortSignal): Promise<Inventory> {
  signal.throwIfAborted()
  const names = await abandonable(readdir(join(context.root, 'proc')), signal).catch(() => [])
  const processes = names.filter((name) => /^\d+$/.test(name)).length
  return { found: [found(context, processes, recorded)], gaps: [] }
}

function found(context: SourceContext, processes: number, recorded: Recorded): Found {
  const { lines } = context.settings.facts
  return {
    id: 'facts',
    source: 'facts',
    name: 'facts.tar.zst',
    class: 'text',
    phase: 'facts',
    encoding: 'frames',
    bytes: BASE_BYTES + processes * PROCESS_BYTES + lines * LINE_BYTES + (recorded()?.samples.length ?? 0) * LOOK_BYTES,
    ratio: RATIO,
    value: 1000,
    patience: PATIENCE_MS,
    identity: { details: { source: 'facts', processes } },
    open: async (limit, signal) => read(context.root, { lines, processes, history: recorded() }, limit, signal),
  }
}

type Recorded = () => History | undefined

/** How many lines of the journal are wanted, how many processes there were, and what was recorded. */
interface Asked {
  readonly lines: number
  readonly processes: number
  readonly history: History | undefined
}

function read(root: string, { lines, processes, history }: Asked, limit: number, signal: AbortSignal): Reading {
  const at = Date.now()
  const troubles = ledger()
  const reads = new HostReads(root, troubles, signal)
  return {
    chunks: packed(reads, gather(reads, at, lines, history), at, limit),
    outcome(): Outcome {
      const truncated = troubles.truncated()
      const { kinds, first } = troubles.leftOut()
      const leftOut = { ...(kinds > 0 && { leftOut: first }), ...(kinds > first.length && { leftOutKinds: kinds }) }
      const before = history === undefined ? {} : historyDetails(history)
      const details: FactsDetails = { source: 'facts', processes, ...before, ...leftOut }
      return { identity: { at, details }, ...(truncated !== undefined && { truncated }) }
    },
    async [Symbol.asyncDispose]() {
      reads[Symbol.dispose]()
    },
  }
}

/** Each entry as it comes, in tar. What does not fit is left out and said so in errors.txt, for which room is kept, as for the summary. */
async function* packed(
  reads: HostReads,
  entries: AsyncIterable<Entry>,
  at: number,
  limit: number,
): AsyncGenerator<Lease, void, void> {
  const tar = tarWriter(at)
  const forErrors = Math.min(ERRORS_BYTES, limit / 4)
  let forSummary = Math.min(SUMMARY_BYTES, limit / 4)
  let facts = FACTS_BYTES
  let left = limit - TAR_END
  for await (const entry of entries) {
    if (entry.name === SUMMARY) forSummary = 0
    const bytes = entry.content.length + ENTRY_BYTES
    const fits = bytes <= left - forErrors - forSummary && (entry.name === JOURNAL || bytes <= facts)
    if (!fits) {
      reads.ledger.lost(entry.name, `no room for its ${entry.content.length} bytes`)
      continue
    }
    const piece = await tar.add(entry)
    left -= piece.length
    if (entry.name !== JOURNAL) facts -= piece.length
    yield* inChunks(piece)
  }
  const errors = Buffer.from(reads.ledger.text()).subarray(0, Math.max(0, left - ENTRY_BYTES))
  const last = left < ENTRY_BYTES ? [] : [await tar.add({ name: 'errors.txt', content: errors })]
  if (left >= 0) yield* inChunks(Buffer.concat([...last, tar.end()]))
}
