import { constants, type Stats } from 'node:fs'
import { cannot } from '../../words/cannot.ts'
import { toldBytes } from '../../words/host-name.ts'
import { type OwnedFile, openOwned } from './owned-file.ts'

/** A regular file that is open, and what it was when it was opened.. */
export interface OpenFile {
  readonly path: string
  readonly handle: OwnedFile
  readonly stats: Stats
  /** Of a file with holes that may be passed over, as they read as zeros: where, at or after a byte, the next data lie. */
  readonly nextData?: (at: number) => number
}

/** Which file a path led to: its file system and its inode (inode(7)). */
export interface FileId {
  readonly dev: number
  readonly ino: number
}

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants

/**
 * Opens a regular file for reading. A symbolic link, FIFO or device planted in its place is an error and hangs nobody;
 * an open that hangs all the same is left behind when the signal aborts. A path that is no UTF-8 is given as its bytes.
 */
export async function openRegular(reach: string | Buffer, signal: AbortSignal): Promise<OpenFile> {
  return await opened(reach, { path: shown(reach), flags: O_NOFOLLOW }, signal)
}

/**
 * Opens the very file that was seen before. `openRegular` follows no link at the path's end; this also finds out a directory
 * above it that was swapped for a link meanwhile, by whoever may write there.
 */
export async function openSame(reach: string | Buffer, seen: FileId, signal: AbortSignal): Promise<OpenFile> {
  const otherwise = 'it is not the file that was found there before: it, or a directory above it, was replaced'
  return await opened(reach, { path: shown(reach), flags: O_NOFOLLOW, seen, otherwise }, signal)
}

/** The same by the kernel's own link to what a process has mapped as `path` (proc_pid_map_files(5)), which is followed. */
export async function openMapped(link: string, path: string, seen: FileId, signal: AbortSignal): Promise<OpenFile> {
  const otherwise = 'the process has mapped something else since'
  return await opened(link, { path: `${path}, which was mapped as ${link}`, flags: 0, seen, otherwise }, signal)
}

const shown = (reach: string | Buffer) => (typeof reach === 'string' ? reach : toldBytes(reach))

interface Meant {
  /** What it is called where it cannot be opened. */
  readonly path: string
  readonly flags: number
  readonly seen?: FileId
  /** What to say of another file than the one that was seen. */
  readonly otherwise?: string
}

async function opened(
  reach: string | Buffer,
  { path, flags, seen, otherwise }: Meant,
  signal: AbortSignal,
): Promise<OpenFile> {
  using owned = new DisposableStack()
  try {
    const handle = owned.use(await openOwned(reach, O_RDONLY | O_NONBLOCK | flags, signal))
    const stats = await handle.stat(signal)
    if (!stats.isFile()) throw new Error('it is no regular file')
    if (seen !== undefined && (stats.dev !== seen.dev || stats.ino !== seen.ino)) throw new Error(otherwise)
    owned.move()
    return { path: handle.path, handle, stats }
  } catch (error) {
    throw cannot(`open ${path}`, error)
  }
}
