import type { Stats } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { cannot } from '../../../words/cannot.ts'
import { abandonable } from '../../../words/deadline.ts'
import { bytePath, shownName } from '../../../words/host-name.ts'
import { formatBytes } from '../../../words/units.ts'
import type { OwnedFile } from '../../host/owned-file.ts'
import type { Piece } from './choose.ts'
import { idOf, openAgain, openAt, openCopy } from './find-again.ts'

/** Bytes of one file, which follow those of the part before it in the log. */
export interface Part {
  readonly handle: OwnedFile
  /** Where it lies; and which file it is. */
  readonly real: string
  readonly id: string
  from: number
  to: number
}

/** Where a piece of a log lies by now, the oldest part first. */
export interface Parts {
  readonly parts: Part[]
  /** What became of the file, where it was rotated: its name now. */
  readonly rotated?: string
  /** What of it is gone. */
  readonly lost?: string
}

export interface Place {
  readonly root: string
  /** Ids of all files that were there at the inventory: none of them is a copy that was made since. */
  readonly known: ReadonlySet<string>
}

/**
 * Finds a piece of a log as it was listed, and, where it is the newest end, all that has been written since: into the same file, or, where that was
 * renamed (or copied, and cut to its beginning), into what was begun in its place. Every file that it opens is put into `owned`.
 */
export async function findParts(
  place: Place,
  piece: Piece,
  owned: DisposableStack,
  signal: AbortSignal,
): Promise<Parts> {
  const { root, known } = place
  const { seen, from, rank } = piece
  const again = await openAgain(root, seen, signal)
  const own = (
    real: string,
    { handle, stats }: { handle: OwnedFile; stats: Stats },
    begin: number,
    end: number,
  ): Part => {
    return { handle: owned.use(handle), real, id: idOf(stats), from: begin, to: end }
  }
  const isNewest = rank === 0
  if (again !== undefined && again.stats.size >= piece.to) {
    const old = own(again.real, again, from, isNewest ? again.stats.size : piece.to)
    if (again.real === seen.real) return { parts: [old] }
    const rotated = again.real
    const begun = isNewest ? await openAt(root, seen.real, signal).catch(() => undefined) : undefined
    signal.throwIfAborted()
    return { parts: [old, ...(begun ? [own(seen.real, begun, 0, begun.stats.size)] : [])], rotated }
  }
  const copy = await openCopy(root, seen, known, signal)
  const old = copy && own(copy.real, copy, from, isNewest ? copy.stats.size : piece.to)
  if (!isNewest) {
    again?.handle[Symbol.dispose]()
    if (old === undefined) throw cannot(`read ${shownName(seen.path)}`, gone(piece))
    return { parts: [old], rotated: old.real }
  }
  const begun = again ?? (await openAt(root, seen.real, signal))
  const parts = [...(old ? [old] : []), own(seen.real, begun, 0, begun.stats.size)]
  return { parts, ...(old ? { rotated: old.real } : { lost: gone(piece) }) }
}

/** What has been written behind the last part since it was found: into its file, and into another one in its place. */
export async function nextParts(
  root: string,
  piece: Piece,
  last: Part,
  owned: DisposableStack,
  signal: AbortSignal,
): Promise<Part[]> {
  const { size } = await last.handle.stat(signal)
  const grown = size > last.to ? [{ ...last, from: last.to, to: size }] : []
  const there = await abandonable(lstat(bytePath(root, piece.seen.real)), signal).catch(() => undefined)
  signal.throwIfAborted()
  if (there?.isFile() !== true || idOf(there) === last.id) return grown
  const begun = await openAt(root, piece.seen.real, signal).catch(() => undefined)
  signal.throwIfAborted()
  if (begun === undefined) return grown
  owned.use(begun.handle)
  return [
    ...grown,
    { handle: begun.handle, real: piece.seen.real, id: idOf(begun.stats), from: 0, to: begun.stats.size },
  ]
}

function gone({ from, to }: Piece): string {
  return `it was rotated or cut since the inventory, and ${formatBytes(to - from)} from byte ${from} on were not found beside it`
}
