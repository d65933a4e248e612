import { lstat } from 'node:fs/promises'
import { posix } from 'node:path'
import { abandonable } from '../../../words/deadline.ts'
import { bytePath, shownName } from '../../../words/host-name.ts'
import { formatBytes } from '../../../words/units.ts'
import type { OwnedFile } from '../../host/owned-file.ts'
import { isCompressed, type Piece } from './choose.ts'
import { type Again, idOf, logOf, MOST_LOOKS, openAgain, openSibling, type Sibling, siblingsOf } from './find-again.ts'
import { isSame, type Seen } from './seen.ts'

/** Files that were begun since the inventory, at most. */
const MOST_BEGUN = 64

/** Bytes of one file, which follow those of the part before it in the log. */
export interface Part {
  readonly handle: OwnedFile
  readonly real: string
  /** Which file it is (idOf). */
  readonly id: string
  from: number
  to: number
}

export interface Place {
  readonly root: string
  /** Ids of all files that were there at the inventory: none of them was begun, or copied, since. */
  readonly known: ReadonlySet<string>
  /** Their paths. */
  readonly paths: ReadonlySet<string>
  /** Told of the newest end of a log, as it is read: which file, up to where. */
  readonly onRead: (id: string, to: number) => void
}

/**
 * A log as it is by now: the file that was listed, under whatever name, and what was begun in its place since. Every file that it opens is its own,
 * and closed with it.
 */
export class Log implements Disposable {
  /** Where the file that was listed is by now, or a copy of it, where that is not its place. */
  rotated: string | undefined
  /** What of the piece is gone, in a sentence. */
  lost: string | undefined
  readonly #place: Place
  readonly #piece: Piece
  readonly #signal: AbortSignal
  readonly #owned = new DisposableStack()
  /** The files that were opened, and up to where they were or will be read. */
  readonly #opened: Part[] = []
  /** Their ids. */
  readonly #used = new Set<string>()

  constructor(place: Place, piece: Piece, signal: AbortSignal) {
    this.#place = place
    this.#piece = piece
    this.#signal = signal
  }

  get #isNewest(): boolean {
    return this.#piece.rank === 0
  }

  /** It had been rotated before it was listed: what follows it, and what was copied of that, is not its own. */
  get #isRotated(): boolean {
    const { path } = this.#piece.seen
    const log = posix.join(posix.dirname(path), logOf(posix.basename(path)))
    return log !== path && this.#place.paths.has(log)
  }

  /** Whether what is begun in its place belongs behind it. */
  get #isFollowed(): boolean {
    return this.#isNewest && !this.#isRotated
  }

  /** Where the piece lies, in order; of the newest end, with all that has been written behind it. Rejects where there is nothing of it. */
  async parts(): Promise<Part[]> {
    const { seen, from, to } = this.#piece
    const again = await openAgain(this.#place.root, seen, this.#signal)
    if (again !== undefined && again.stats.size >= to) {
      const old = this.#part(again, from, this.#isNewest ? again.stats.size : to)
      if (again.real === seen.real) return [old]
      this.rotated = again.real
      return [old, ...(this.#isFollowed ? await this.#begun() : [])]
    }
    const copy = await this.copied({ ...seen, size: to }, from)
    if (copy === undefined) this.lost = await this.#gone()
    if (again !== undefined && this.#isNewest) return [...(copy ?? []), this.#part(again, 0, again.stats.size)]
    again?.handle[Symbol.dispose]()
    if (copy !== undefined) return copy
    const begun = this.#isFollowed ? await this.#begun() : []
    if (begun.length === 0) throw new Error(`cannot read ${shownName(seen.path)}: ${this.lost}`)
    return begun
  }

  /**
   * What a file that was cut to its beginning had been copied to, as logrotate's copytruncate does: as long as it was at least, not there when it was
   * listed, and not read.
   */
  async copied(seen: Seen, from: number): Promise<Part[] | undefined> {
    const siblings = await siblingsOf(this.#place.root, seen.real, this.#signal)
    return await this.#copyAmong(siblings, seen, from)
  }

  /** The same for a part that was just read up to `at`, and maybe not from the file as it was: a copy that is there is made before the file is cut. */
  async cutMeanwhile(part: Part, at: number): Promise<Part[] | undefined> {
    if (!this.#isFollowed || part.real !== this.#piece.seen.real) return undefined
    const siblings = await siblingsOf(this.#place.root, part.real, this.#signal)
    const isThere = siblings.some(({ real, stats }) => real === part.real && idOf(stats) === part.id)
    return isThere ? await this.#copyAmong(siblings, { ...this.#piece.seen, size: part.to }, at) : undefined
  }

  async #copyAmong(siblings: readonly Sibling[], seen: Seen, from: number): Promise<Part[] | undefined> {
    if (this.#isRotated) return undefined
    const sibling = siblings.find(
      (one) => one.real !== seen.real && one.stats.size >= seen.size && this.#isFresh(one) && !isSame(seen, one.stats),
    )
    const copy = sibling && (await openSibling(this.#place.root, sibling, this.#signal))
    if (copy === undefined) return undefined
    this.rotated ??= copy.real
    return [this.#part(copy, from, this.#isNewest ? copy.stats.size : this.#piece.to)]
  }

  /**
   * What has been written since, once all parts have been read: into their files, for a program writes into what was renamed until it is told, and into
   * those that were begun in the log's place.
   */
  async after(): Promise<Part[]> {
    const grown: Part[] = []
    for (const [at, part] of this.#opened.entries()) {
      const more = { ...part, from: part.to }
      if (!(await this.grow(more))) continue
      grown.push(more)
      this.#opened[at] = more
    }
    const there = await abandonable(lstat(bytePath(this.#place.root, this.#piece.seen.real)), this.#signal).catch(
      () => undefined,
    )
    this.#signal.throwIfAborted()
    const isOther = this.#isFollowed && there?.isFile() === true && !this.#used.has(idOf(there))
    return [...grown, ...(isOther ? await this.#begun() : [])]
  }

  /** Whether a part goes on, and then up to where. What was written into a file before another was begun comes before that one. */
  async grow(part: Part): Promise<boolean> {
    const { size } = await part.handle.stat(this.#signal)
    if (!this.#isNewest || size <= part.to) return false
    part.to = size
    return true
  }

  /** A file that was cut to its beginning at byte `to` or before: what is in it by now. */
  async anew(part: Part, to: number): Promise<Part> {
    const { size } = await part.handle.stat(this.#signal)
    const fresh = { ...part, from: 0, to: Math.min(size, to) }
    this.#opened[this.#opened.findIndex(({ id }) => id === part.id)] = fresh
    return fresh
  }

  [Symbol.dispose](): void {
    this.#owned[Symbol.dispose]()
  }

  /** The files that were begun in the log's place and are not read yet, in their order: between two looks it may be rotated more than once. */
  async #begun(): Promise<Part[]> {
    const { root } = this.#place
    const parts: Part[] = []
    for (let look = 0; look < MOST_LOOKS; look++) {
      const fresh = (await siblingsOf(root, this.#piece.seen.real, this.#signal)).filter((one) => this.#isFresh(one))
      const [first] = fresh.toSorted(byBirth(this.#piece.seen.real))
      if (first === undefined) break
      const file = await openSibling(root, first, this.#signal)
      if (file !== undefined) {
        parts.push(this.#part(file, 0, file.stats.size))
        look = -1
      }
      if (parts.length === MOST_BEGUN) break
    }
    return parts
  }

  /** Whether it is a file of the log that was begun, or copied, since the inventory, and was not opened. */
  #isFresh({ real, stats }: Sibling): boolean {
    const id = idOf(stats)
    return !this.#place.known.has(id) && !this.#used.has(id) && !isCompressed(real)
  }

  #part({ handle, real, stats }: Again, from: number, to: number): Part {
    const id = idOf(stats)
    const part = { handle: this.#owned.use(handle), real, id, from, to }
    this.#used.add(id)
    this.#opened.push(part)
    return part
  }

  async #gone(): Promise<string> {
    const { seen, from, to } = this.#piece
    const siblings = await siblingsOf(this.#place.root, seen.real, this.#signal)
    const packed = siblings.find(({ real, stats }) => isCompressed(real) && !this.#place.known.has(idOf(stats)))
    const where = packed === undefined ? '' : `; ${shownName(posix.basename(packed.real))} may have them`
    return `it was rotated or cut since the inventory, and ${formatBytes(to - from)} from byte ${from} on were not found beside it${where}`
  }
}

/** The order in which files were begun. The kernel's clock for that ticks every few ms: then their names tell, as they are given by counting or by date. */
const byBirth =
  (log: string) =>
  (a: Sibling, b: Sibling): number => {
    const [isA, isB] = [a.real === log, b.real === log]
    return (
      a.stats.birthtimeMs - b.stats.birthtimeMs ||
      Number(isA) - Number(isB) ||
      ageOf(b) - ageOf(a) ||
      (a.real < b.real ? -1 : 1)
    )
  }

/** By how it was counted: 0 for the newest, and for what bears a date. */
const ageOf = ({ real }: Sibling) => Number(/[._-](\d{1,4})(?:\.\D*)?$/.exec(real)?.[1] ?? 0)
