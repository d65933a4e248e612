import type { Stats } from 'node:fs'
import { lstat, opendir, readlink, realpath } from 'node:fs/promises'
import { posix } from 'node:path'
import { cannot } from '../../../words/cannot.ts'
import { abandonable } from '../../../words/deadline.ts'
import { bytePath, shownName } from '../../../words/host-name.ts'
import { type OpenFile, openRegular } from '../../host/open-file.ts'
import { isSame, type Seen } from './seen.ts'

/** Names beside a log that are looked at: as many as the walk takes of a directory. */
const MOST_NAMES = 8192

/** A file that was found again. */
export interface Again extends OpenFile {
  /** Where it is by now: `real` of what it was, or what it was rotated to. */
  readonly real: string
}

/**
 * Opens what lies at a path, wherever no link leads: neither the last part of it nor a directory above may have been swapped for one meanwhile,
 * by whoever may write there.
 */
export async function openAt(root: string, real: string, signal: AbortSignal): Promise<OpenFile> {
  const path = bytePath(root, real)
  const file = await openRegular(path, signal)
  try {
    const link = abandonable(readlink(`/proc/self/fd/${file.handle.fd}`, 'latin1'), signal)
    const [there, base] = await Promise.all([link, realRoot(root, signal)])
    if (there === `${base}${real}`) return file
    throw cannot(`read ${shownName(real)}`, 'a directory above it was replaced by a link')
  } catch (error) {
    file.handle[Symbol.dispose]()
    throw error
  }
}

/** The file that was seen, at its place or beside it under another name; undefined where it is gone. */
export async function openAgain(root: string, seen: Seen, signal: AbortSignal): Promise<Again | undefined> {
  const there = await openIf(root, seen.real, (stats) => isSame(seen, stats), signal)
  return there ?? (await besides(root, seen.real, (stats) => isSame(seen, stats), signal))
}

/** What a file was copied to before it was cut to its beginning, as logrotate's copytruncate does: as long as it was, and not there when it was seen. */
export async function openCopy(
  root: string,
  seen: Seen,
  known: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Again | undefined> {
  const isCopy = (stats: Stats) => stats.size >= seen.size && !known.has(idOf(stats)) && !isSame(seen, stats)
  return await besides(root, seen.real, isCopy, signal)
}

/** Tells a file from all others that there are. */
export const idOf = ({ dev, ino }: Pick<Stats, 'dev' | 'ino'>): string => `${dev}:${ino}`

/** The first beside a file whose name begins as its own does: `app.log.1`, `app.log-20261201`, `app-20261201.log`. */
async function besides(
  root: string,
  real: string,
  isIt: (stats: Stats) => boolean,
  signal: AbortSignal,
): Promise<Again | undefined> {
  const folder = posix.dirname(real)
  const [stem] = posix.basename(real).split('.')
  const names: string[] = []
  const list = async () => {
    for await (const { name } of await opendir(bytePath(root, folder), { encoding: 'latin1' as BufferEncoding })) {
      if (name.startsWith(stem ?? '')) names.push(name)
      if (names.length === MOST_NAMES || signal.aborted) break
    }
  }
  await abandonable(list(), signal)
  for (const name of names) {
    const path = posix.join(folder, name)
    if (path === real) continue
    const stats = await abandonable(lstat(bytePath(root, path)), signal).catch(() => undefined)
    if (stats?.isFile() !== true || !isIt(stats)) continue
    const file = await openIf(root, path, isIt, signal)
    if (file !== undefined) return file
  }
  return undefined
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
  if (file === undefined) return undefined
  if (isIt(file.stats)) return { ...file, real }
  file.handle[Symbol.dispose]()
  return undefined
}

/** What is no regular file any more is not the one that was. */
function isMissing(error: unknown): boolean {
  const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined
  return cause?.code === 'ENOENT' || cause?.code === 'ENOTDIR' || cause?.code === 'ELOOP'
}

/** The root itself may be reached by a link. */
async function realRoot(root: string, signal: AbortSignal): Promise<string> {
  return root === '/' ? '' : await abandonable(realpath(root, 'latin1'), signal)
}
