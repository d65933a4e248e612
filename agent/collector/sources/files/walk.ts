import type { Dirent, Stats } from 'node:fs'
import { opendir, readlink } from 'node:fs/promises'
import { posix } from 'node:path'
import { shownName } from '../../../words/host-name.ts'
import { fewAtATime } from '../../host/few-at-a-time.ts'
import type { HostReads } from '../../host/host-reads.ts'
import { Looks } from './looks.ts'
import { type Seen, seenAs } from './seen.ts'
import { MOST_TOLD, type Walked } from './walked.ts'
import type { Wish, WishedGlob } from './wish.ts'

/** Names that are taken of one directory: a log has a few, a node's pods some hundred. One that is flooded costs the others nothing. */
const MOST_NAMES = 8192
/** Of these, at a time: what holds 1024 of them takes 46 MiB for 2,000 directories, measured, and 128 take 14. */
const NAMES_AT_ONCE = 128
/** Files that are looked at, at 50 µs each, and directories. */
const MOST_FILES = 10_000
const MOST_DIRECTORIES = 2_000
/** Parts of a path: `fetch` takes 32. */
const MOST_DEPTH = 28

interface Directory {
  readonly path: string
  readonly real: string
}

/** One walk over what the globs mean: breadth first, so that what is far down does not keep what is near from being seen. */
export class Walk {
  readonly #looks: Looks
  readonly #wish: Wish
  readonly #files: Seen[] = []
  readonly #strange: Walked['strange'][number][] = []
  readonly #directories: Directory[] = []
  readonly #visited = new Set<string>()
  readonly #taken = new Set<string>()
  #strangeCount = 0
  /** Directories that were too many. */
  #beyond = 0

  /** `reads` bound each look, and all of it. */
  constructor(reads: HostReads, wish: Wish) {
    this.#looks = new Looks(reads)
    this.#wish = wish
  }

  /** Never rejects: what could not be looked at is told. */
  async all(): Promise<Walked> {
    await this.#looks.begin()
    for (const glob of this.#wish.globs) await this.#begin(glob)
    let listed = 0
    for (; listed < this.#directories.length && !this.#isOver; listed++)
      await this.#list(this.#directories[listed] as Directory)
    this.#tellOf(listed)
    const { problems, problemCount } = this.#looks
    const strangeCount = this.#strangeCount
    return { files: this.#files, strange: this.#strange, strangeCount, problems, problemCount }
  }

  get #isOver(): boolean {
    return this.#looks.reads.signal.aborted || this.#taken.size >= MOST_FILES
  }

  /** Says what was not looked at, when so many directories were listed. */
  #tellOf(listed: number): void {
    const isLate = this.#looks.reads.signal.aborted
    const why = [
      ...(isLate ? [`the time was up after ${listed} directories`] : []),
      ...(this.#taken.size >= MOST_FILES ? [`there are more than ${MOST_FILES} files`] : []),
      ...(this.#beyond > 0 ? [`there are more than ${MOST_DIRECTORIES} directories`] : []),
    ].join(', ')
    if (why !== '') this.#looks.problem('/', `not all files were looked at: ${why}`, isLate ? 'deadline' : 'host')
  }

  async #begin(glob: WishedGlob): Promise<void> {
    const { base } = glob
    const real = await this.#looks.settled(glob)
    const stats = real === undefined ? undefined : await this.#looks.stats(base, real)
    if (real === undefined || stats === undefined || this.#isLeft({ path: base, real })) return
    if (!glob.matches(base)) this.#enter({ path: base, real })
    else if (!stats.isDirectory()) await this.#take({ path: base, real }, stats)
    else this.#looks.problem(base, `it is a directory: name ${shownName(base)}/** for all in it`, 'limit')
  }

  #enter(directory: Directory): void {
    const { path, real } = directory
    if (this.#visited.has(real) || this.#isLeft(directory) || this.#looks.isShut(path, real, this.#wish.globs)) return
    if (path.split('/').length > MOST_DEPTH) this.#looks.problem(path, 'it lies too deep')
    else if (this.#visited.size >= MOST_DIRECTORIES) this.#beyond += 1
    else {
      this.#visited.add(real)
      this.#directories.push(directory)
    }
  }

  async #list({ path, real }: Directory): Promise<void> {
    const { globs } = this.#wish
    const names = await this.#looks.ask(path, () => this.#names(path, real))
    await fewAtATime(names ?? [], async ({ name, kind }) => {
      const at = { path: posix.join(path, name), real: posix.join(real, name) }
      const isMeant = globs.some(({ matches }) => matches(at.path))
      const leads = globs.some(({ leadsInto }) => leadsInto(at.path))
      if (kind === 'directory' && leads) return this.#enter(at)
      if (kind === 'directory' || !(isMeant || (leads && kind === 'unknown')) || this.#taken.size >= MOST_FILES) return
      if (this.#isLeft(at) || this.#looks.isShut(at.path, at.real, globs)) return
      const stats = await this.#looks.stats(at.path, at.real)
      if (stats?.isDirectory()) this.#enter(at)
      else if (stats !== undefined && isMeant) await this.#take(at, stats)
    })
  }

  async #names(path: string, real: string) {
    const names: { readonly name: string; readonly kind: Kind }[] = []
    const options = { bufferSize: NAMES_AT_ONCE, encoding: 'latin1' as BufferEncoding }
    for await (const entry of await opendir(this.#looks.at(real), options)) {
      if (names.length === MOST_NAMES) {
        this.#looks.problem(path, `more than ${MOST_NAMES} names are in it: the others were not looked at`)
        break
      }
      names.push({ name: entry.name, kind: kindOf(entry) })
    }
    return names
  }

  async #take({ path, real }: Directory, stats: Stats): Promise<void> {
    if (this.#taken.has(real)) return
    this.#taken.add(real)
    const seen = seenAs(path, real, stats)
    if (stats.isFile()) this.#files.push(seen)
    else if (++this.#strangeCount <= MOST_TOLD) {
      const link =
        stats.isSymbolicLink() && (await this.#looks.ask(path, () => readlink(this.#looks.at(real), 'latin1')))
      this.#strange.push({ path, what: link ? `a link to ${shownName(link)}` : whatOf(stats), seen })
    }
  }

  /** By its name, or by what a link on the way makes of it. */
  #isLeft({ path, real }: Directory): boolean {
    return this.#wish.isLeft(path) || this.#wish.isLeft(real)
  }
}

/** Some file systems do not say what an entry is. */
type Kind = 'directory' | 'unknown' | 'other'

function kindOf(entry: Dirent): Kind {
  if (entry.isDirectory()) return 'directory'
  if (entry.isFile() || entry.isSymbolicLink() || entry.isFIFO() || entry.isSocket()) return 'other'
  return entry.isBlockDevice() || entry.isCharacterDevice() ? 'other' : 'unknown'
}

function whatOf(stats: Stats): string {
  if (stats.isSymbolicLink()) return 'a link'
  if (stats.isFIFO()) return 'a FIFO'
  return stats.isSocket() ? 'a socket' : 'a device'
}
