import type { Stats } from 'node:fs'
import { lstat, opendir, readlink, realpath } from 'node:fs/promises'
import { posix } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { cannot } from '../../../words/cannot.ts'
import { abandonable } from '../../../words/deadline.ts'
import { bytePath, shownName } from '../../../words/host-name.ts'
import { type OpenFile, openRegular } from '../../host/open-file.ts'
import { isSame, type Seen } from './seen.ts'

/** Names beside a log that are looked at: as many as the walk takes of a directory. */
const MOST_NAMES = 8192

/** Looks at a directory in which files are renamed all the while. */
export const MOST_LOOKS = 8

/** A file that was found. */
export interface Again extends OpenFile {
  /** Where it is by now. */
  readonly real: string
}

/** A file beside a log whose name says that it is of the same log. */
export interface Sibling {
  readonly real: string
  readonly stats: Stats
}

/**
 * Opens what lies at a path, wherever no link leads: neither the last part of it nor a directory above may have been swapped for one meanwhile,
 * by whoever may write there. It may be renamed beside itself while we look.
 */
export async function openAt(root: string, real: string, signal: AbortSignal): Promise<Again> {
  const file = await openRegular(bytePath(root, real), signal)
  try {
    const link = abandonable(readlink(`/proc/self/fd/${file.handle.fd}`, 'latin1'), signal)
    const [there, base] = await Promise.all([link, realRoot(root, signal)])
    if (posix.dirname(there) === posix.join(base, posix.dirname(real))) return { ...file, real }
    throw cannot(`read ${shownName(real)}`, 'a directory above it was replaced by a link')
  } catch (error) {
    file.handle[Symbol.dispose]()
    throw error
  }
}

/** The file that was seen, at its place or beside it under another name; undefined where it is gone. */
export async function openAgain(root: string, seen: Seen, signal: AbortSignal): Promise<Again | undefined> {
  const there = await openIf(root, seen.real, (stats) => isSame(seen, stats), signal)
  if (there !== undefined) return there
  for (let look = 0; look < MOST_LOOKS; look++) {
    const sibling = (await siblingsOf(root, seen.real, signal)).find(({ stats }) => isSame(seen, stats))
    if (sibling === undefined) return undefined
    const file = await openSibling(root, sibling, signal)
    if (file !== undefined) return file
  }
  return undefined
}

/**
 * A log and what lies beside it and is of it by its name: what it was rotated to, or copied. Looked at until nothing was renamed between two looks, so
 * that none is missed.
 */
export async function siblingsOf(root: string, real: string, signal: AbortSignal): Promise<readonly Sibling[]> {
  let siblings = await lookBeside(root, real, signal)
  for (let look = 1; look < MOST_LOOKS; look++) {
    const again = await lookBeside(root, real, signal)
    if (isDeepStrictEqual(again.map(tellOf), siblings.map(tellOf))) return again
    siblings = again
  }
  return siblings
}

const tellOf = ({ real, stats }: Sibling) => `${real} ${idOf(stats)}`

async function lookBeside(root: string, real: string, signal: AbortSignal): Promise<readonly Sibling[]> {
  const folder = posix.dirname(real)
  const base = posix.basename(real)
  const names: string[] = []
  const list = async () => {
    let count = 0
    for await (const { name } of await opendir(bytePath(root, folder), { encoding: 'latin1' as BufferEncoding })) {
      if (isOfLog(base, name)) names.push(name)
      if (++count === MOST_NAMES || signal.aborted) break
    }
  }
  await abandonable(list(), signal)
  const siblings: Sibling[] = []
  for (const name of names.toSorted()) {
    const path = posix.join(folder, name)
    const stats = await abandonable(lstat(bytePath(root, path)), signal).catch(() => undefined)
    signal.throwIfAborted()
    if (stats?.isFile()) siblings.push({ real: path, stats })
  }
  return siblings
}

/** Opens a sibling; undefined where it is another file by now. */
export async function openSibling(
  root: string,
  { real, stats }: Sibling,
  signal: AbortSignal,
): Promise<Again | undefined> {
  return await openIf(root, real, (now) => idOf(now) === idOf(stats), signal)
}

/** Tells a file from all others that there are. */
export const idOf = ({ dev, ino }: Pick<Stats, 'dev' | 'ino'>): string => `${dev}:${ino}`

/** What a log is called that was rotated to a name, as logrotate and kubelet give them: `app.log.1`, `app.log-20261201`, `app-20261201.log`, `app.1.log`. */
export const logOf = (name: string): string => name.replace(/(?<=[^._-])[._-]\d[\dT._:-]*(\.[A-Za-z]\w*)?$/, '$1')

/** By both its own name, which may end in a number anyhow, and that of the log that it may have been rotated from. */
const isOfLog = (base: string, name: string): boolean =>
  name === base || name === logOf(base) || isRotated(base, name) || isRotated(logOf(base), name)

function isRotated(log: string, name: string): boolean {
  const { name: stem, ext } = posix.parse(log)
  if (name.startsWith(log)) return /^[._-]/.test(name.slice(log.length))
  if (ext === '' || !name.startsWith(stem) || !name.endsWith(ext)) return false
  return /^[._-][\dT._:-]+$/.test(name.slice(stem.length, -ext.length))
}

async function openIf(
  root: string,
  real: string,
  isIt: (stats: Stats) => boolean,
  signal: AbortSignal,
): Promise<Again | undefined> {
  const file = await openAt(root, real, signal).catch((error: unknown) => {
    signal.throwIfAborted()
    if (isMissing(error)) return undefined
    throw error
  })
  if (file === undefined || isIt(file.stats)) return file
  file.handle[Symbol.dispose]()
  return undefined
}

/** A link in its place means that it is not there any more, too. */
function isMissing(error: unknown): boolean {
  const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined
  return cause?.code === 'ENOENT' || cause?.code === 'ENOTDIR' || cause?.code === 'ELOOP'
}

/** The root itself may be reached by a link. */
async function realRoot(root: string, signal: AbortSignal): Promise<string> {
  return root === '/' ? '' : await abandonable(realpath(root, 'latin1'), signal)
}
