import { isUtf8 } from 'node:buffer'
import type { Stats } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { cannot } from '../../../cannot.ts'
import { type CoreFile, seen } from './core-file.ts'
import type { CorePattern } from './core-pattern.ts'
import { COMPRESSED, parseCoredumpName } from './coredump-name.ts'
import { kernelDumps } from './kernel-dumps.ts'

export interface Finds {
  readonly files: readonly CoreFile[]
  /** Directories that were looked into, and those that do not exist, for the receipt that says nothing crashed. */
  readonly looked: readonly string[]
  readonly missing: readonly string[]
  /** A sentence for each directory that holds something which is not taken. */
  readonly leftOut: readonly string[]
  /** A sentence for each directory or file that could not be looked at, and for files that cannot be named. */
  readonly problems: readonly string[]
}

/** What lies in the named directories, and what core_pattern's own directory has of its names. By stat only. */
export async function findCores(
  root: string,
  named: readonly string[],
  pattern: CorePattern,
  signal: AbortSignal,
): Promise<Finds> {
  const finds = {
    files: [] as CoreFile[],
    looked: [] as string[],
    missing: [] as string[],
    leftOut: [] as string[],
    problems: [] as string[],
  }
  const own = pattern.kind === 'directory' ? pattern.directory : undefined
  for (const directory of new Set([...named, ...(own === undefined ? [] : [own])])) {
    const names = own === directory && pattern.kind === 'directory' ? pattern.files : undefined
    try {
      const { files, leftOut, problems } = await look(root, directory, names, named.includes(directory), signal)
      finds.files.push(...files)
      finds.leftOut.push(...leftOut)
      finds.problems.push(...problems)
      finds.looked.push(directory)
    } catch (error) {
      signal.throwIfAborted()
      if (isMissing(error)) finds.missing.push(directory)
      else finds.problems.push(cannot(`look for cores in ${directory}`, error).message)
    }
  }
  return finds
}

async function look(
  root: string,
  directory: string,
  names: RegExp | undefined,
  everything: boolean,
  signal: AbortSignal,
): Promise<Pick<Finds, 'files' | 'leftOut' | 'problems'>> {
  const files: CoreFile[] = []
  const problems: string[] = []
  let [irregular, below, illegible] = [0, 0, 0]
  for (const raw of await readdir(join(root, directory), { encoding: 'buffer' })) {
    signal.throwIfAborted()
    const name = raw.toString('utf8')
    // Dot files are systemd-coredump's and kdump's unfinished ones.
    const fields = names?.exec(name)
    if (name.startsWith('.') || !(everything || fields)) continue
    if (!isUtf8(raw)) {
      illegible++
      continue
    }
    const path = join(directory, name)
    try {
      const stats = await lstat(join(root, path))
      if (stats.isFile()) files.push(coreFile(path, name, stats, fields?.groups))
      else if (stats.isDirectory() && everything) {
        const dumps = await kernelDumps(root, path, name, signal)
        files.push(...dumps.files)
        below += dumps.others
      } else irregular++
    } catch (error) {
      signal.throwIfAborted()
      // What was removed since it was listed is there no more.
      if (!isGone(error)) problems.push(cannot(`look for cores in ${path}`, error).message)
    }
  }
  const others = [
    ...(irregular > 0 ? [`${irregular} that are no regular files`] : []),
    ...(below > 0 ? [`${below} in subdirectories (name those in cores.directories to take what is in them)`] : []),
  ]
  if (illegible > 0) problems.push(`cannot take ${illegible} of the files in ${directory}: their names are no UTF-8`)
  return { files, problems, leftOut: others.length > 0 ? [`entries of ${directory}: ${others.join(', ')}`] : [] }
}

function coreFile(path: string, name: string, stats: Stats, fields: Record<string, string> | undefined): CoreFile {
  const suffix = COMPRESSED.exec(name)?.[0] ?? ''
  const stem = name.slice(0, name.length - suffix.length)
  const common = { path, ...seen(stats), suffix }
  const coredump = parseCoredumpName(name)
  if (coredump !== undefined) {
    const { comm, pid, at } = coredump
    return { ...common, kind: 'systemd', label: `${comm}.${pid}.core`, at, identity: { path, ...coredump } }
  }
  const at = Math.round(stats.mtimeMs)
  if (name.endsWith('.crash')) return { ...common, kind: 'report', label: stem, at, identity: { path, at } }
  const { comm } = fields ?? {}
  const [pid, signal] = [integer(fields?.pid), integer(fields?.signal)]
  // The kernel gives a core to the user whose process it was.
  const identity = { path, at, uid: stats.uid, ...defined({ comm, pid, signal }) }
  const label = comm !== undefined && pid !== undefined ? `${comm}.${pid}.core` : stem
  return { ...common, kind: 'plain', label, at, identity }
}

const integer = (text: string | undefined) => (text === undefined ? undefined : Number.parseInt(text, 10))

function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}

const codeOf = (error: unknown) => (error instanceof Error && 'code' in error ? error.code : undefined)
const isGone = (error: unknown) => codeOf(error) === 'ENOENT'
const isMissing = (error: unknown) => isGone(error) || codeOf(error) === 'ENOTDIR'
