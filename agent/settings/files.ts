import { isUtf8 } from 'node:buffer'
import { constants, type Stats } from 'node:fs'
import { lstat, open, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { abandonable } from '../words/deadline.ts'
import { formatBytes } from '../words/units.ts'
import { trust, trustWay } from './trust.ts'

/** Where a layer comes from, from the weakest to the strongest. */
export type Origin = 'image' | 'host' | 'boot' | 'credential' | 'command line'

/** A place that may hold a layer. */
export interface LayerFile {
  readonly origin: Origin
  readonly path: string
  /** A stronger directory has a file of the same name, which stands in its place. */
  readonly masked: boolean
  /** Why there is nothing to read, where the directory itself could not be listed. */
  readonly failure?: unknown
}

/** Where layers lie below the root, weakest first. */
export const DIRECTORIES: readonly (readonly [Origin, string])[] = [
  ['image', 'usr/lib/lastgasp/config.d'],
  ['host', 'etc/lastgasp/config.d'],
  ['boot', 'run/lastgasp/config.d'],
]
const CREDENTIAL = 'lastgasp.toml'

/** Settings that people write have a few kB; a file of more than 1 MiB is something else, and is not read. */
export const MAX_FILE_BYTES = 1024 * 1024
/** Files in one directory; as with their size, more is not a configuration. */
export const MAX_FILES = 256

/** Every file that is a layer, weakest first: directory by directory, by file name (bytewise) within each. */
export async function findLayers(
  root: string,
  credentialsDirectory: string | undefined,
  signal: AbortSignal,
): Promise<LayerFile[]> {
  const listed = await Promise.all(
    DIRECTORIES.map(async ([origin, directory]) => ({ origin, ...(await list(root, directory, signal)) })),
  )
  const files = listed.flatMap(({ origin, path, names, failure }, rank): LayerFile[] => {
    if (failure !== undefined) return [{ origin, path, masked: false, failure }]
    const stronger = new Set(listed.slice(rank + 1).flatMap((other) => other.names))
    return names.map((name) => ({ origin, path: join(path, name), masked: stronger.has(name) }))
  })
  if (credentialsDirectory === undefined) return files
  const credential = await list(credentialsDirectory, '', signal)
  const path = join(credentialsDirectory, CREDENTIAL)
  if (credential.failure !== undefined)
    files.push({ origin: 'credential', path, masked: false, failure: credential.failure })
  else if (credential.names.includes(CREDENTIAL)) files.push({ origin: 'credential', path, masked: false })
  return files
}

async function list(
  root: string,
  directory: string,
  signal: AbortSignal,
): Promise<{ path: string; names: string[]; failure?: unknown }> {
  const path = join(root, directory)
  try {
    signal.throwIfAborted()
    const entries = await abandonable(listTrusted(root, directory), signal)
    const names = entries.filter((name) => name.endsWith('.toml') && !name.startsWith('.')).sort()
    if (names.length > MAX_FILES) throw new Error(`it holds ${names.length} files, and at most ${MAX_FILES} are read`)
    return { path, names }
  } catch (failure) {
    return (failure as NodeJS.ErrnoException | null)?.code === 'ENOENT'
      ? { path, names: [] }
      : { path, names: [], failure }
  }
}

async function listTrusted(root: string, directory: string): Promise<string[]> {
  await trustWay(root, directory)
  return await readdir(join(root, directory))
}

/**
 * The text of a settings file, without a byte order mark; empty for a link to /dev/null. Throws what is wrong with
 * it as a file. Reads regular files only, so that no pipe and no device is waited for or touched.
 */
export async function readLayer(path: string, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted()
  const bytes = await abandonable(readBounded(path), signal)
  const text = new TextDecoder('utf-8')
  if (!isUtf8(bytes)) throw new Error(`invalid UTF-8 at byte ${firstInvalid(bytes)}: save the file as UTF-8`)
  return text.decode(bytes)
}

async function readBounded(path: string): Promise<Buffer> {
  const before = await stat(path)
  // How systemd's drop-ins are masked: systemd.unit(5).
  if (before.isCharacterDevice() && before.rdev === NULL_DEVICE) {
    trust(await lstat(path))
    return Buffer.alloc(0)
  }
  admit(before)
  await trustWay(dirname(path), basename(path))
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  const { size } = admit(await file.stat())
  const buffer = Buffer.allocUnsafe(size + 1)
  let filled = 0
  for (;;) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled)
    if (bytesRead === 0) return buffer.subarray(0, filled)
    filled += bytesRead
    if (filled > size) throw new Error('it grew while it was read')
  }
}

/** makedev(1, 3): Linux, Documentation/admin-guide/devices.txt. */
const NULL_DEVICE = 0x103

function admit(stats: Stats): Stats {
  if (!stats.isFile()) throw new Error('it is not a regular file')
  if (stats.size > MAX_FILE_BYTES) {
    throw new Error(`it has ${formatBytes(stats.size)}, and settings have at most ${formatBytes(MAX_FILE_BYTES)}`)
  }
  trust(stats)
  return stats
}

/** Offset of the first byte that is not part of valid UTF-8. */
function firstInvalid(bytes: Buffer): number {
  let at = 0
  while (at < bytes.length) {
    const lead = bytes[at] ?? 0
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
    if (length > 1 && !isUtf8(bytes.subarray(at, at + length))) return at
    at += length
  }
  return at
}
