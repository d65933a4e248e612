import type { Dirent, Stats } from 'node:fs'
import * as fs from 'node:fs'
import { opendir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cannot } from '../../words/cannot.ts'
import { abandonable, within } from '../../words/deadline.ts'
import { inParallel } from '../../words/in-parallel.ts'
import { isAbsent } from '../host/absent.ts'
import { parseMounts, safeMounts } from '../host/mounts.ts'
import { isVolatile } from '../host/this-boot.ts'
import { below, type CoreFile, named } from './core-file.ts'
import type { CorePattern } from './core-pattern.ts'
import { isHostsOwn, isKeptByHost, linksAreGuarded, STICKY } from './keepers.ts'
import { kernelDumps } from './kernel-dumps.ts'
import { type Ground, Look } from './look.ts'
import type { Surplus } from './surplus.ts'

export interface Finds {
  readonly files: readonly CoreFile[]
  /** Directories that were looked into, and those that do not exist, for the receipt that says nothing crashed. */
  readonly looked: readonly string[]
  readonly missing: readonly string[]
  /** Of those that were looked into, the ones where nobody but the host may write. */
  readonly kept: readonly string[]
  /** A sentence for each directory that holds something which is not taken. */
  readonly leftOut: readonly string[]
  /** A sentence for each directory or file that could not be looked at, and for files that cannot be named. */
  readonly problems: readonly string[]
  /** What was more than anybody's share. */
  readonly surplus: readonly Surplus[]
}

/** What a look at all directories may take, in ms. What was found by then is given, and what was not looked at told. */
export interface LookTime {
  readonly all: number
  /** Of it, for those where others than the host may write. */
  readonly others: number
}

/** Where nobody says otherwise: 40,000 files of 30 µs where others may write. */
const LOOK: LookTime = { all: 3_000, others: 1_200 }
/** Of the time that is left, what the first question of all directories may take, and what each of them: one that hangs leaves the others some. */
const FIRST_SHARE = 1 / 4
const EACH_SHARE = 1 / 2
/** Names of a directory that are looked at at once: as many questions as libuv's pool is asked at once. */
const AT_ONCE = 64

/** Half of what the one of fs/promises costs. */
const lstat = promisify(fs.lstat)

/** What lies in the named directories, and what core_pattern's own directory has of its names. By stat only. */
export async function findCores(
  root: string,
  named: readonly string[],
  pattern: CorePattern,
  signal: AbortSignal,
  time = LOOK,
): Promise<Finds> {
  const until = performance.now() + time.all
  const share = (of: number) => within(Math.max(0, until - performance.now()) * of, signal)
  const own = pattern.kind === 'directory' ? pattern.directory : undefined
  const directories = [...new Set([...named, ...(own === undefined ? [] : [own])])]
  const problems: string[] = []
  const missing: string[] = []
  const grounds: Ground[] = []
  const isTimely = share(FIRST_SHARE)
  const guarded = abandonable(linksAreGuarded(root), isTimely).catch(() => false)
  const hung = abandonable(hungMounts(root), isTimely).catch(() => new Set<string>())
  const asked = directories.map((directory) => abandonable(groundOf(root, directory, guarded), isTimely))
  for (const [index, answer] of (await Promise.allSettled(asked)).entries()) {
    const directory = directories[index] as string
    if (answer.status === 'fulfilled') grounds.push(answer.value)
    else if (isAbsent(answer.reason)) missing.push(directory)
    else problems.push(cannot(`look for cores in ${directory}`, isTimely.aborted ? NO_TIME : answer.reason).message)
  }
  signal.throwIfAborted()

  // The host's own first: what others fill may take all the time that there is.
  const left = { ms: time.others }
  const looks: Look[] = []
  for (const ground of grounds.toSorted((a, b) => Number(b.kept) - Number(a.kept))) {
    const { directory } = ground
    const names = own === directory && pattern.kind === 'directory' ? pattern.files : undefined
    const look = new Look(ground)
    const enough = share(EACH_SHARE)
    try {
      await fill(look, { root, names, everything: named.includes(directory), hung: await hung, left }, enough)
    } catch (error) {
      signal.throwIfAborted()
      if (isAbsent(error)) missing.push(directory)
      else if (enough.aborted) look.problems.push(`cannot look at all of ${directory}: ${NO_TIME}`)
      else problems.push(cannot(`look for cores in ${directory}`, error).message)
      if (!enough.aborted) continue
    }
    looks.push(look)
  }
  const looked = new Set(looks.map(({ ground }) => ground.directory))
  return {
    files: looks.flatMap(({ files }) => files),
    looked: directories.filter((directory) => looked.has(directory)),
    missing,
    kept: looks.filter(({ ground }) => ground.kept).map(({ ground }) => ground.directory),
    leftOut: looks.flatMap(({ leftOut }) => leftOut),
    problems: [...problems, ...looks.flatMap((look) => [...look.problems, ...look.failures])],
    surplus: looks.flatMap(({ surplus }) => surplus),
  }
}

const NO_TIME = 'there was no more time'

async function groundOf(root: string, directory: string, guarded: Promise<boolean>): Promise<Ground> {
  const kept = await isKeptByHost(root, directory)
  const owned = (await guarded) && ((await stat(join(root, directory))).mode & STICKY) !== 0
  return { directory, kept, owned, isVolatile: await isVolatile(join(root, directory)), now: Date.now() }
}

interface Search {
  readonly root: string
  /** Names that core_pattern gives, if it is about this directory. */
  readonly names: RegExp | undefined
  /** Whether other names count too. */
  readonly everything: boolean
  /** Paths where something is mounted that may not answer. */
  readonly hung: ReadonlySet<string>
  /** What is left for the directories where others may write. */
  readonly left: { ms: number }
}

async function fill(look: Look, search: Search, signal: AbortSignal): Promise<void> {
  const { directory, kept } = look.ground
  const { root, names, everything, left } = search
  const began = performance.now()
  let [looked, isLate] = [0, false]
  async function* entries(): AsyncGenerator<Dirent, void, void> {
    for await (const entry of await opendir(join(root, directory), { encoding: BYTES, bufferSize: 1024 })) {
      isLate = !kept && performance.now() - began > left.ms
      if (isLate) return
      looked++
      const name = rawName(entry).toString('utf8')
      // Dot files are systemd-coredump's and kdump's unfinished ones.
      if (!name.startsWith('.') && (everything || names?.test(name))) yield entry
    }
  }
  await abandonable(
    inParallel(entries(), AT_ONCE, (entry) => see(look, search, entry, signal)),
    signal,
  )
  if (isLate)
    look.problems.push(`cannot look at all of ${directory}: it has more than ${looked} entries, and ${NO_TIME}`)
  if (!kept) left.ms -= performance.now() - began
}

/** Names as they are on disk: a process's name is cut in the middle of a letter, and stands in its core's. */
const BYTES = 'buffer' as BufferEncoding
const rawName = (entry: Dirent) => entry.name as unknown as Buffer

async function see(look: Look, search: Search, entry: Dirent, signal: AbortSignal): Promise<void> {
  const { directory, kept, owned, isVolatile, now } = look.ground
  const { root, names, everything, hung } = search
  signal.throwIfAborted()
  const name = rawName(entry)
  const { path, raw } = named(Buffer.from(directory), name)
  if (!(entry.isFile() || entry.isDirectory() || isUnknown(entry))) return look.irregular()
  try {
    if (hung.has(path)) throw new Error('a file system that may not answer is mounted there')
    const stats: Stats = await lstat(below(root, raw))
    if (stats.isFile()) return look.file(name, stats, names?.exec(name.toString('utf8'))?.groups)
    if (!stats.isDirectory() || !everything) return look.irregular()
    if (!isHostsOwn(stats) || !(kept || owned)) return look.strange()
    const dumps = await kernelDumps(root, { directory, name, isVolatile, now }, signal)
    look.dumps(dumps.files, dumps.others)
  } catch (error) {
    signal.throwIfAborted()
    // What was removed since it was listed is there no more. A directory that is none any more was swapped.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') look.failed(name, error)
  }
}

/** Some file systems do not say what an entry is. */
const isUnknown = (entry: Dirent) => !(entry.isSymbolicLink() || entry.isFIFO() || entry.isSocket() || isDevice(entry))
const isDevice = (entry: Dirent) => entry.isBlockDevice() || entry.isCharacterDevice()

async function hungMounts(root: string): Promise<ReadonlySet<string>> {
  const mounts = parseMounts(await readFile(join(root, 'proc/self/mountinfo'), 'utf8').catch(() => ''))
  const safe = safeMounts(mounts)
  return new Set(mounts.filter((mount) => !safe.has(mount)).map(({ path }) => path))
}
