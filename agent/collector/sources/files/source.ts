import { within } from '../../../words/deadline.ts'
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
import { FilesTable } from './files-table.ts'
import { idOf, openAgain } from './find-again.ts'
import { absentGap, leftOutGaps, problemGaps, strangeGaps, unaskedGap } from './gaps.ts'
import { artifactName } from './key.ts'
import { detailsOf, readLog } from './read-log.ts'
import { readSmallFiles } from './small-files.ts'
import { Walk } from './walk.ts'
import type { Walked } from './walked.ts'
import { wishOf } from './wish.ts'

/** Share of its time in which the source walks: what it finds must be told after that. */
const LOOKING = 3 / 4
/** As measured, of logs: text with times in it; of what a process had in memory. */
const RATIO = { text: 0.12, memory: 0.3 } as const
/** Of a sparse file's hole: 195 bytes for 4 MiB, frames/FRAMES.md. */
const HOLE_RATIO = 195 / (4 * 1024 * 1024)
/** Logs come after the journal, their newest ends before what is older, and all that is older than the cores. */
const VALUE = { small: 500, newest: 300, memory: 100, older: 30 } as const
/** The tar's own blocks for a file, and for the table. */
const ENTRY_BYTES = 1024

/** Logs and what else of the host is named: FILES.md. */
export function filesSource(system: System): Source {
  return {
    name: 'files',
    open: (context) => ({
      inventory: (ms, signal) => inventory(context, system, within(ms * LOOKING, signal), signal),
    }),
  }
}

async function inventory(
  context: SourceContext,
  system: System,
  time: AbortSignal,
  signal: AbortSignal,
): Promise<Inventory> {
  const { settings, root } = context
  const wish = wishOf(settings)
  const unasked = wish.unasked === undefined ? [] : [unaskedGap(wish.unasked)]
  if (wish.globs.length === 0) return { found: [], gaps: unasked }
  using reads = new HostReads(root, ledger(), time)
  const walked = await new Walk(reads, wish).all()
  signal.throwIfAborted()
  const choice = chooseFiles(walked.files, settings.files, wish.isMemory, Date.now())
  const known = new Set(walked.files.map(idOf))
  const pieces = choice.own.map((piece, index) => pieceItem(piece, index, { root, known, system }))
  const isNothing = walked.files.length + walked.strangeCount + walked.problemCount === 0
  return {
    found: [...(walked.files.length + walked.strangeCount > 0 ? [smallItem(root, choice, walked)] : []), ...pieces],
    gaps: [
      ...unasked,
      ...(isNothing ? [absentGap(wish.globs.map(({ pattern }) => pattern))] : []),
      ...leftOutGaps(choice.leftOut),
      ...strangeGaps(walked),
      ...problemGaps(walked),
    ],
  }
}

function smallItem(root: string, { small, own }: Choice, { files, strange }: Walked): Found {
  const bytes = small.reduce((sum, { size }) => sum + size + ENTRY_BYTES, files.length * ENTRY_BYTES)
  const here = new Set(small)
  const pieces = new Set(own.map(({ seen }) => seen))
  const others = files.filter((file) => !here.has(file))
  const table = () =>
    new FilesTable([
      ...others.map((file) => [file, pieces.has(file) ? 'own' : 'left out', undefined] as const),
      ...strange.map(({ seen, what }) => [seen, 'strange', what] as const),
    ])
  return {
    ...{ id: 'small', source: 'files', name: 'files.tar.zst', class: 'text', phase: 'stored', encoding: 'frames' },
    ...{ bytes, ratio: RATIO.text, value: VALUE.small },
    identity: { details: { source: 'files', count: small.length } },
    open: async (limit, signal) => readSmallFiles(root, small, table(), limit, signal),
  }
}

interface Place {
  readonly root: string
  readonly known: ReadonlySet<string>
  readonly system: System
}

function pieceItem(piece: Piece, index: number, place: Place): Found {
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
async function readWhole({ root, system }: Place, piece: Piece, limit: number, signal: AbortSignal): Promise<Reading> {
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
