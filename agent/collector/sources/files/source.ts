import { aborted, within } from '../../../words/deadline.ts'
import type { ItemIdentity } from '../../../words/evidence.ts'
import { shownName } from '../../../words/host-name.ts'
import { formatBytes } from '../../../words/units.ts'
import { knowingHoles } from '../../crashed-cores/holes.ts'
import type { System } from '../../host/ffi.ts'
import { HostReads } from '../../host/host-reads.ts'
import { ledger } from '../../host/ledger.ts'
import { readFrom } from '../../host/read-file.ts'
import type { Reading } from '../../host/reading.ts'
import type { Found, Inventory, Source, SourceContext } from '../source.ts'
import { type Choice, chooseFiles, isCompressed, type Piece } from './choose.ts'
import { FilesTable, type Row } from './files-table.ts'
import { idOf, openAgain } from './find-again.ts'
import { absentGap, leftOutGaps, problemGaps, strangeGaps, unaskedGap } from './gaps.ts'
import { artifactName } from './key.ts'
import { lateFiles } from './late.ts'
import type { Place } from './log-parts.ts'
import { detailsOf, readLog } from './read-log.ts'
import { type Asked, PATIENCE_MS, readSmallFiles, type SmallFile } from './small-files.ts'
import { Walk } from './walk.ts'
import type { Walked } from './walked.ts'
import { type Wish, wishOf } from './wish.ts'

/** Share of its time in which the source walks: what it finds must be told after that. */
const LOOKING = 3 / 4
/** As measured, of logs: text with times in it; of what a process had in memory. */
const RATIO = { text: 0.12, memory: 0.3 } as const
/** Of a sparse file's hole: 195 bytes for 4 MiB, frames/FRAMES.md. */
const HOLE_RATIO = 195 / (4 * 1024 * 1024)
/** Logs come after the journal, their newest ends before what is older, and all that is older than the cores. */
const VALUE = { small: 500, newest: 300, memory: 100, older: 30 } as const
/** The tar's own blocks for a file, and a row of its table. */
const ENTRY_BYTES = 1024
const ROW_BYTES = 100

/** Logs and what else of the host is named: FILES.md. What comes up is what was written since, at the end. */
export function filesSource(system: System): Source {
  return {
    name: 'files',
    open(context) {
      const round: Round = { context, system, wish: wishOf(context.settings), read: new Map(), walked: undefined }
      return {
        inventory: (ms, signal) => inventory(round, within(ms * LOOKING, signal), signal),
        async *comesUp(ms, stop, signal) {
          await aborted(AbortSignal.any([stop, signal]))
          signal.throwIfAborted()
          yield await lastWords(round, within(ms * LOOKING, signal))
        },
      }
    },
  }
}

/** What the source remembers in one session. */
interface Round {
  readonly context: SourceContext
  readonly system: System
  readonly wish: Wish
  /** Up to where files were read, by their ids. */
  readonly read: Map<string, number>
  /** What there was at the inventory, and when (ms since the epoch). */
  walked: (Walked & { readonly at: number }) | undefined
}

async function inventory(round: Round, time: AbortSignal, signal: AbortSignal): Promise<Inventory> {
  const { context, system, wish, read } = round
  const { settings, root } = context
  const unasked = wish.unasked === undefined ? [] : [unaskedGap(wish.unasked)]
  if (wish.globs.length === 0) return { found: [], gaps: unasked }
  const at = Date.now()
  const walked = await walk(round, time)
  signal.throwIfAborted()
  round.walked = { ...walked, at }
  const choice = chooseFiles(walked.files, settings.files, wish.isMemory, at)
  const onRead = (id: string, to: number) => void read.set(id, to)
  const known = new Set(walked.files.map(idOf))
  const paths = new Set(walked.files.map(({ path }) => path))
  const pieces = choice.own.map((piece, index) => pieceItem(piece, index, { root, known, paths, system, onRead }))
  const isNothing = walked.files.length + walked.strangeCount + walked.problemCount === 0
  const small = walked.files.length + walked.strangeCount > 0 ? [smallItem({ root, onRead }, choice, walked)] : []
  return {
    found: [...small, ...pieces],
    gaps: [
      ...unasked,
      ...(isNothing ? [absentGap(wish.globs.map(({ pattern }) => pattern))] : []),
      ...leftOutGaps(choice.leftOut),
      ...strangeGaps(walked),
      ...problemGaps(walked),
    ],
  }
}

async function walk({ context, wish }: Round, time: AbortSignal): Promise<Walked> {
  using reads = new HostReads(context.root, ledger(), time)
  return await new Walk(reads, wish).all()
}

/** What was written since it was read. */
async function lastWords(round: Round, signal: AbortSignal): Promise<Inventory> {
  const { context, wish, read, walked } = round
  if (walked === undefined) return { found: [], gaps: [] }
  const { files } = await walk(round, signal)
  const soFar = {
    ...{ looked: walked.at, read },
    ...{ paths: new Set(walked.files.map(({ path }) => path)), ids: new Set(walked.files.map(idOf)) },
  }
  const late = lateFiles(files, soFar, wish.isMemory)
  const asked = { root: context.root, onRead: () => {} }
  return { found: late.length === 0 ? [] : [tarItem('files-late', asked, late, [])], gaps: [] }
}

function smallItem(asked: Pick<Asked, 'root' | 'onRead'>, { small, own }: Choice, { files, strange }: Walked): Found {
  const here = new Set(small)
  const pieces = new Set(own.map(({ seen }) => seen))
  const others = files.filter((file) => !here.has(file))
  const wanted = small.map((seen) => ({ seen }))
  return tarItem('files', asked, wanted, [
    ...others.map((file) => [file, pieces.has(file) ? 'own' : 'left out', undefined] as const),
    ...strange.map(({ seen, what }) => [seen, 'strange', what] as const),
  ])
}

function tarItem(
  name: 'files' | 'files-late',
  asked: Pick<Asked, 'root' | 'onRead'>,
  files: readonly SmallFile[],
  others: readonly Row[],
): Found {
  const bytes = files.reduce((sum, { seen, from = 0 }) => sum + seen.size - from + ENTRY_BYTES, 0)
  return {
    ...{ id: name, source: 'files', name: `${name}.tar.zst`, class: 'text', phase: 'stored', encoding: 'frames' },
    ...{ bytes: bytes + others.length * ROW_BYTES, ratio: RATIO.text, value: VALUE.small, patience: PATIENCE_MS },
    identity: { details: { source: 'files', count: files.length } },
    open: async (limit, signal) => readSmallFiles({ ...asked, files, table: new FilesTable(others) }, limit, signal),
  }
}

function pieceItem(piece: Piece, index: number, place: Place & Pick<Round, 'system'>): Found {
  const { seen, from, to, rank, kind, isMemory } = piece
  const bytes = to - from
  const holes = kind === 'whole' ? seen.size - seen.held : 0
  return {
    id: `${index}`,
    source: 'files',
    name: artifactName(seen.path, rank > 0 ? from : undefined),
    class: isMemory ? 'memory' : 'text',
    phase: 'stored',
    encoding: 'frames',
    bytes,
    ...(holes > 0 && place.system.kind === 'ready' && { holes }),
    ratio: ratioOf(piece),
    value: isMemory
      ? VALUE.memory
      : Math.max(1, Math.round(rank > 0 ? VALUE.older / rank : VALUE.newest * 0.97 ** index)),
    identity: identityOf(piece),
    open: (limit, signal) =>
      kind === 'log' ? readLog(place, piece, limit, signal) : readWhole(place, piece, limit, signal),
  }
}

function ratioOf({ seen, kind, isMemory }: Piece): number {
  if (isCompressed(seen.path)) return 1
  const share = kind === 'whole' ? seen.held / Math.max(1, seen.size) : 1
  return HOLE_RATIO + (isMemory ? RATIO.memory : RATIO.text) * share
}

function identityOf(piece: Piece): ItemIdentity {
  const { path, uid, mtimeMs } = piece.seen
  return { path: shownName(path), uid, at: Math.round(Math.min(mtimeMs, Date.now())), details: detailsOf(piece) }
}

/** From its beginning, as it is by now. */
async function readWhole(
  { root, system }: Place & Pick<Round, 'system'>,
  piece: Piece,
  limit: number,
  signal: AbortSignal,
): Promise<Reading> {
  const file = await openAgain(root, piece.seen, signal)
  if (file === undefined)
    throw new Error(
      `cannot read ${shownName(piece.seen.path)}: it is no longer there, nor beside it under another name`,
    )
  const { size } = file.stats
  const reading = readFrom(await knowingHoles(file, system, signal), size, limit, signal)
  return {
    ...reading,
    outcome() {
      const outcome = reading.outcome()
      const details = { ...detailsOf(piece), to: Math.min(size, limit) }
      const grown = size > piece.to ? { note: `it had ${formatBytes(piece.to)} at the inventory` } : {}
      return { ...outcome, identity: { ...outcome.identity, ...grown, details } }
    },
  }
}
