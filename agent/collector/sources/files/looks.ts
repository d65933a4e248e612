import { lstat, readlink } from 'node:fs/promises'
import { posix } from 'node:path'
import { sentence } from '../../../words/cannot.ts'
import { bytePath, shownName } from '../../../words/host-name.ts'
import { isBelow } from '../../../words/path-glob.ts'
import { isAbsent } from '../../host/absent.ts'
import type { HostReads } from '../../host/host-reads.ts'
import { foreignMounts, type Mount, parseMounts } from '../../host/mounts.ts'
import { MOST_TOLD, type Problem } from './walked.ts'
import type { WishedGlob } from './wish.ts'

/** Links on the way to where a glob begins: MAXSYMLINKS of the kernel's namei. */
const MOST_LINKS = 40
/** A node's pods have several mounts each. */
const MOUNTINFO_BYTES = 4 * 1024 * 1024

/** Looks at a host's directories, each bounded, and what came in their way. */
export class Looks {
  readonly reads: HostReads
  /** The first of them. */
  readonly problems: Problem[] = []
  problemCount = 0
  #foreign: readonly Mount[] = []

  /** `reads` bound each look, and all of them. */
  constructor(reads: HostReads) {
    this.reads = reads
  }

  /** Learns which file systems are mounted. Where that cannot be known, all of them count as the host's own, and each look has its bound. */
  async begin(): Promise<void> {
    const mounts = await this.reads.bytes('proc/self/mountinfo', { limit: MOUNTINFO_BYTES, optional: true })
    const all = foreignMounts(parseMounts(mounts?.toString('latin1') ?? ''))
    this.#foreign = all.filter(({ path }) => path !== '/')
  }

  /** What comes of a look, if it was answered. That something is not there is no news. */
  async ask<T>(path: string, work: () => Promise<T>): Promise<T | undefined> {
    let why: unknown = 'no answer from the kernel'
    const made = await this.reads.ask(path, () =>
      work().catch((error: unknown) => {
        why = isAbsent(error) ? undefined : error
        return undefined
      }),
    )
    if (made === undefined && why !== undefined && !this.reads.signal.aborted) this.problem(path, sentence(why))
    return made
  }

  problem(path: string, reason: string, because: Problem['because'] = 'host'): undefined {
    this.problemCount += 1
    if (this.problems.length < MOST_TOLD) this.problems.push({ path, reason, because })
  }

  /** Whether a place is one that only a glob that names it enters: then it is told. */
  isShut(path: string, real: string, globs: readonly WishedGlob[]): boolean {
    const mount = this.#foreign.findLast((one) => one.path === real)
    if (mount === undefined || globs.some(({ base, isNamed }) => isNamed && isBelow(base, mount.path))) return false
    const { type, path: at } = mount
    const reason = `it lies on ${type} (${shownName(at)}), which is entered only where files.paths names it`
    this.problem(path, reason, 'limit')
    return true
  }

  /** Where the base of a glob leads to, a link at a time: by a link nobody gets to a file system that he has not named. */
  async settled(glob: WishedGlob): Promise<string | undefined> {
    const { base } = glob
    const left = base.split('/').filter((part) => part !== '')
    let real = ''
    for (let links = 0; left.length > 0; ) {
      const part = left.shift() as string
      if (part === '..') {
        real = posix.dirname(real)
        continue
      }
      const next = posix.join('/', real, part)
      if (this.isShut(base, next, [glob])) return undefined
      const target = await this.ask(base, () => linkAt(this.at(next)))
      if (target === undefined) return undefined
      if (target === '') {
        real = next
        continue
      }
      if (++links > MOST_LINKS) return this.problem(base, 'its links lead to each other')
      left.unshift(...target.split('/').filter((name) => name !== '' && name !== '.'))
      if (target.startsWith('/')) real = ''
    }
    return real === '' ? '/' : real
  }

  stats(path: string, real: string) {
    return this.ask(path, () => lstat(this.at(real)))
  }

  at(real: string): Buffer {
    return bytePath(this.reads.root, real)
  }
}

/** Where a link leads to; nothing for what is none. */
async function linkAt(path: Buffer): Promise<string> {
  try {
    return await readlink(path, 'latin1')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EINVAL') return ''
    throw error
  }
}
