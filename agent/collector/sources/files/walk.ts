import type { Dirent, Stats } from 'node:fs'
import { lstat, opendir, readlink } from 'node:fs/promises'
import { posix } from 'node:path'
import { sentence } from '../../../words/cannot.ts'
import { bytePath, shownName } from '../../../words/host-name.ts'
import { isBelow, type PathGlob } from '../../../words/path-glob.ts'
import { isAbsent } from '../../host/absent.ts'
import { fewAtATime } from '../../host/few-at-a-time.ts'
import type { HostReads } from '../../host/host-reads.ts'
import { foreignMounts, type Mount, parseMounts } from '../../host/mounts.ts'
import { type Seen, seenAs } from './seen.ts'
import { MOST_TOLD, type Walked } from './walked.ts'
import type { Wish } from './wish.ts'

/** Names that are taken of one directory: a log has a few, a node's pods some hundred. One that is flooded costs the others nothing. */
const MOST_NAMES = 8192
/** Files that are looked at, at 50 µs each, and directories. */
const MOST_FILES = 10_000
const MOST_DIRECTORIES = 5_000
/** Parts of a path: `fetch` takes 32. */
const MOST_DEPTH = 28
/** Links on the way to where a glob begins: MAXSYMLINKS of the kernel's namei. */
const MOST_LINKS = 40

interface Directory {
  readonly path: string
  readonly real: string
}

/** One walk over what the globs mean: breadth first, so that what is far down does not keep what is near from being seen. */
export class Walk {
  readonly #reads: HostReads
  readonly #wish: Wish
  readonly #found = {
    files: [] as Seen[],
    strange: [] as Walked['strange'][number][],
    problems: [] as Walked['problems'][number][],
  }
  readonly #directories: Directory[] = []
  readonly #visited = new Set<string>()
  readonly #files = new Set<string>()
  #foreign: readonly Mount[] = []
  #strange = 0
  #problems = 0

  /** `reads` bound each look, and all of it. */
  constructor(reads: HostReads, wish: Wish) {
    this.#reads = reads
    this.#wish = wish
  }

  /** Never rejects: what could not be looked at is told. */
  async all(): Promise<Walked> {
    const mounts = await this.#reads.bytes('proc/self/mountinfo', { limit: MOUNTINFO_BYTES, optional: true })
    this.#foreign = foreignMounts(parseMounts(mounts?.toString('latin1') ?? ''))
    for (const glob of this.#wish.globs) await this.#begin(glob)
    for (let at = 0; at < this.#directories.length; at++) {
      if (this.#isOver()) break
      await this.#list(this.#directories[at] as Directory)
    }
    return { ...this.#found, strangeCount: this.#strange, problemCount: this.#problems }
  }

  #isOver(): boolean {
    const why = this.#reads.signal.aborted
      ? `the time was up after ${this.#visited.size} directories`
      : this.#files.size >= MOST_FILES
        ? `there are more than ${MOST_FILES} files`
        : this.#visited.size >= MOST_DIRECTORIES
          ? `there are more than ${MOST_DIRECTORIES} directories`
          : undefined
    if (why !== undefined)
      this.#problem('/', `not all files were looked at: ${why}`, this.#reads.signal.aborted ? 'deadline' : 'host')
    return why !== undefined
  }

  async #begin({ base, matches }: PathGlob): Promise<void> {
    const real = await this.#settled(base)
    if (real === undefined) return
    const stats = await this.#look(base, () => lstat(this.#at(real)))
    if (stats === undefined || this.#isLeft({ path: base, real })) return
    if (!matches(base)) this.#enter({ path: base, real })
    else if (stats.isDirectory())
      this.#problem(base, `it is a directory: name ${shownName(base)}/** for all in it`, 'limit')
    else await this.#take(base, real, stats)
  }

  /** Where a path leads to, a link at a time. What is named to lie on a foreign file system is looked for there; by a link nobody gets there. */
  async #settled(base: string): Promise<string | undefined> {
    const left = base.split('/').filter((part) => part !== '')
    let real = ''
    for (let links = 0; left.length > 0; ) {
      const part = left.shift() as string
      if (part === '..') {
        real = posix.dirname(real)
        continue
      }
      const next = `${real === '/' ? '' : real}/${part}`
      const foreign = this.#foreignAt(next)
      if (foreign !== undefined && !isBelow(base, foreign.path)) return this.#notEntered(base, foreign)
      const target = await this.#look(base, () =>
        readlink(this.#at(next), 'latin1').catch((error: NodeJS.ErrnoException) => {
          if (error.code !== 'EINVAL') throw error
          return ''
        }),
      )
      if (target === undefined) return undefined
      if (target === '') {
        real = next
        continue
      }
      if (++links > MOST_LINKS) return this.#problem(base, 'its links lead to each other')
      left.unshift(...target.split('/').filter((name) => name !== '' && name !== '.'))
      if (target.startsWith('/')) real = ''
    }
    return real === '' ? '/' : real
  }

  #enter(directory: Directory): undefined {
    const { path, real } = directory
    if (this.#visited.has(real) || this.#visited.size >= MOST_DIRECTORIES || this.#isLeft(directory)) return undefined
    if (path.split('/').length > MOST_DEPTH) return this.#problem(path, 'it lies too deep')
    const foreign = this.#foreignAt(real)
    const isNamed = foreign !== undefined && this.#wish.globs.some(({ base }) => isBelow(base, foreign.path))
    if (foreign !== undefined && !isNamed) return this.#notEntered(path, foreign)
    this.#visited.add(real)
    this.#directories.push(directory)
    return undefined
  }

  async #list({ path, real }: Directory): Promise<void> {
    const names = await this.#look(path, () => this.#names(path, real))
    await fewAtATime(names ?? [], async ({ name, kind }) => {
      const at = { path: `${path === '/' ? '' : path}/${name}`, real: `${real === '/' ? '' : real}/${name}` }
      const isMeant = this.#wish.globs.some(({ matches }) => matches(at.path))
      const leads = this.#wish.globs.some(({ leadsInto }) => leadsInto(at.path))
      if (kind === 'directory' && leads) return this.#enter(at)
      if (kind === 'directory' || !(isMeant || (leads && kind === 'unknown')) || this.#files.size >= MOST_FILES) return
      if (this.#isLeft(at) || this.#foreignAt(at.real) !== undefined) return
      const stats = await this.#look(at.path, () => lstat(this.#at(at.real)))
      if (stats?.isDirectory()) this.#enter(at)
      else if (stats !== undefined && isMeant) await this.#take(at.path, at.real, stats)
    })
  }

  async #names(path: string, real: string) {
    const names: { readonly name: string; readonly kind: 'directory' | 'unknown' | 'other' }[] = []
    for await (const entry of await opendir(this.#at(real), {
      bufferSize: 1024,
      encoding: 'latin1' as BufferEncoding,
    })) {
      if (names.length === MOST_NAMES) {
        this.#problem(path, `more than ${MOST_NAMES} names are in it: the others were not looked at`)
        break
      }
      names.push({ name: entry.name, kind: kindOf(entry) })
    }
    return names
  }

  async #take(path: string, real: string, stats: Stats): Promise<void> {
    if (this.#files.has(real)) return
    this.#files.add(real)
    if (stats.isFile()) {
      this.#found.files.push(seenAs(path, real, stats))
      return
    }
    this.#strange += 1
    if (this.#strange > MOST_TOLD) return
    const link = stats.isSymbolicLink() ? await this.#look(path, () => readlink(this.#at(real), 'latin1')) : undefined
    this.#found.strange.push({
      path,
      what: link === undefined ? whatOf(stats) : `a link to ${shownName(link)}`,
      seen: seenAs(path, real, stats),
    })
  }

  /** What comes of a look, if it was answered. That something is not there is no news. */
  async #look<T>(path: string, work: () => Promise<T>): Promise<T | undefined> {
    let why: unknown = 'no answer from the kernel'
    const made = await this.#reads.ask(path, () =>
      work().catch((error: unknown) => {
        why = isAbsent(error) ? undefined : error
        return undefined
      }),
    )
    if (made === undefined && why !== undefined && !this.#reads.signal.aborted) this.#problem(path, sentence(why))
    return made
  }

  #notEntered(path: string, { type, path: at }: Mount): undefined {
    this.#problem(
      path,
      `it lies on ${type} (${shownName(at)}), which is entered only where files.paths names it`,
      'limit',
    )
  }

  #problem(path: string, reason: string, because: 'host' | 'limit' | 'deadline' = 'host'): undefined {
    this.#problems += 1
    if (this.#found.problems.length < MOST_TOLD) this.#found.problems.push({ path, reason, because })
  }

  /** By its name, or by what a link on the way makes of it. */
  #isLeft({ path, real }: Directory): boolean {
    return this.#wish.isLeft(path) || this.#wish.isLeft(real)
  }

  #foreignAt(real: string): Mount | undefined {
    return this.#foreign.findLast(({ path }) => path === real)
  }

  #at(real: string): Buffer {
    return bytePath(this.#reads.root, real)
  }
}

/** A node's pods have several mounts each. */
const MOUNTINFO_BYTES = 4 * 1024 * 1024

/** Some file systems do not say what an entry is. */
function kindOf(entry: Dirent): 'directory' | 'unknown' | 'other' {
  if (entry.isDirectory()) return 'directory'
  const isKnown =
    entry.isFile() ||
    entry.isSymbolicLink() ||
    entry.isFIFO() ||
    entry.isSocket() ||
    entry.isBlockDevice() ||
    entry.isCharacterDevice()
  return isKnown ? 'other' : 'unknown'
}

function whatOf(stats: Stats): string {
  if (stats.isSymbolicLink()) return 'a link'
  if (stats.isFIFO()) return 'a FIFO'
  if (stats.isSocket()) return 'a socket'
  return 'a device'
}
