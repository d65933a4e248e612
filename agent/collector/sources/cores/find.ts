import type { Stats } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ItemIdentity } from '../../../bundle/evidence.ts'
import { cannot } from '../../../cannot.ts'
import type { CorePattern } from './core-pattern.ts'
import { COMPRESSED, parseCoredumpName } from './coredump-name.ts'

/** A core, kernel dump or crash report that lies on the host. */
export interface CoreFile {
  /** Absolute path on the host. */
  readonly path: string
  /** `systemd`: complete as soon as it has this name. `plain`: written by the kernel itself, in place. */
  readonly kind: 'systemd' | 'plain' | 'report' | 'vmcore' | 'dmesg'
  /** What it is called in the bundle, without suffix: `app.4711.core`. */
  readonly label: string
  /** `.zst`, … when it is compressed already, else empty. */
  readonly suffix: string
  readonly bytes: number
  /** Bytes that lie on disk: fewer when it has holes. */
  readonly allocated: number
  /** ms since the epoch */
  readonly at: number
  readonly identity: ItemIdentity
}

export interface Finds {
  readonly files: readonly CoreFile[]
  /** Directories that were looked into, and those that do not exist, for the receipt that says nothing crashed. */
  readonly looked: readonly string[]
  readonly missing: readonly string[]
  /** A sentence for each directory that could not be looked at. */
  readonly problems: readonly string[]
}

/** What lies in the named directories, and what core_pattern's own directory has of its names. By stat only. */
export async function findCores(
  root: string,
  named: readonly string[],
  pattern: CorePattern,
  signal: AbortSignal,
): Promise<Finds> {
  const finds = { files: [] as CoreFile[], looked: [] as string[], missing: [] as string[], problems: [] as string[] }
  const own = pattern.kind === 'directory' ? pattern.directory : undefined
  for (const directory of new Set([...named, ...(own === undefined ? [] : [own])])) {
    const names = own === directory && pattern.kind === 'directory' ? pattern.files : undefined
    try {
      finds.files.push(...(await look(root, directory, names, named.includes(directory), signal)))
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
): Promise<readonly CoreFile[]> {
  const found: CoreFile[] = []
  for (const name of await readdir(join(root, directory))) {
    signal.throwIfAborted()
    // Dot files are systemd-coredump's and kdump's unfinished ones.
    const fields = names?.exec(name)
    if (name.startsWith('.') || !(everything || fields)) continue
    const path = join(directory, name)
    const stats = await lstat(join(root, path)).catch(() => undefined)
    if (stats?.isFile()) found.push(coreFile(path, name, stats, fields?.groups))
    else if (stats?.isDirectory() && everything) found.push(...(await kernelDumps(root, path, name)))
  }
  return found
}

function coreFile(path: string, name: string, stats: Stats, fields: Record<string, string> | undefined): CoreFile {
  const suffix = COMPRESSED.exec(name)?.[0] ?? ''
  const stem = name.slice(0, name.length - suffix.length)
  const common = { path, suffix, bytes: stats.size, allocated: stats.blocks * 512 }
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

/** What kdump leaves in a directory per crash: RHEL's vmcore and vmcore-dmesg.txt, Debian's dump.<stamp> and dmesg.<stamp>. */
async function kernelDumps(root: string, directory: string, stamp: string): Promise<readonly CoreFile[]> {
  const found: CoreFile[] = []
  for (const name of await readdir(join(root, directory)).catch(() => [])) {
    const kind = /dmesg/.test(name) ? 'dmesg' : /^(vmcore|dump\.)/.test(name) ? 'vmcore' : undefined
    const path = join(directory, name)
    const stats = kind && (await lstat(join(root, path)).catch(() => undefined))
    if (kind === undefined || !stats?.isFile()) continue
    const suffix = COMPRESSED.exec(name)?.[0] ?? ''
    const label = `${stamp}.${name.slice(0, name.length - suffix.length)}`
    const at = Math.round(stats.mtimeMs)
    const identity = { path, at, comm: 'kernel' }
    found.push({ path, kind, label, suffix, bytes: stats.size, allocated: stats.blocks * 512, at, identity })
  }
  return found
}

const integer = (text: string | undefined) => (text === undefined ? undefined : Number.parseInt(text, 10))

function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}

const isMissing = (error: unknown) =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
