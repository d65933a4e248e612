import { constants, type Stats } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { ZEROS } from '../../frames/zeros.ts'
import { type Lease, unlent } from '../../streams/lease.ts'
import { cannot } from '../../words/cannot.ts'
import { abandonable } from '../../words/deadline.ts'
import { toldBytes } from '../../words/host-name.ts'
import { formatBytes } from '../../words/units.ts'
import { READ_BYTES, type Reading, readingPool } from './reading.ts'

/** A regular file that is open, and what it was when it was opened. The caller closes the handle. */
export interface OpenFile {
  readonly path: string
  readonly handle: FileHandle
  readonly stats: Stats
  /** Of a file with holes that may be passed over, as they read as zeros: where, at or after a byte, the next data lie. */
  readonly nextData?: (at: number) => number
}

/**
 * Opens a regular file for reading. A symbolic link, FIFO or device planted in its place is an error and hangs nobody;
 * an open that hangs all the same is left behind when the signal aborts. A path that is no UTF-8 is given as its bytes.
 */
export async function openRegular(reach: string | Buffer, signal: AbortSignal): Promise<OpenFile> {
  const path = typeof reach === 'string' ? reach : toldBytes(reach)
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  const opening = open(reach, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).then(async (handle) => {
    const stats = await handle.stat()
    if (stats.isFile()) return { path, handle, stats }
    await handle.close()
    throw new Error('it is no regular file')
  })
  try {
    return await abandonable(opening, signal)
  } catch (error) {
    opening.then(({ handle }) => handle.close()).catch(() => {})
    throw cannot(`open ${path}`, error)
  }
}

/** Opens a file of /proc or /sys for reading. One whose open hangs is left behind when the signal aborts, and closed then. */
export async function openKernelFile(path: string, signal: AbortSignal): Promise<FileHandle> {
  const opening = open(path, constants.O_RDONLY)
  try {
    return await abandonable(opening, signal)
  } catch (error) {
    opening.then((handle) => handle.close()).catch(() => {})
    throw error
  }
}

/** What the kernel hands out at a time of a text is less. */
const TEXT_BYTES = 64 * 1024

/**
 * The lines of a text of /proc or /sys, some at a time. Names are bytes: none is lost in latin1. A read that hangs is left behind when
 * the signal aborts. Owns the file, and closes it once nothing is read from it any more.
 */
export async function* kernelLines(
  file: FileHandle,
  signal: AbortSignal,
): AsyncGenerator<readonly string[], void, void> {
  let reading: Promise<unknown> = Promise.resolve()
  try {
    const buffer = Buffer.allocUnsafeSlow(TEXT_BYTES)
    for (let rest = ''; ; ) {
      const read = file.read(buffer, 0, TEXT_BYTES, null)
      reading = read
      const { bytesRead } = await abandonable(read, signal)
      if (bytesRead === 0) return
      // The kernel hands out whole lines, but does not promise it.
      const lines = (rest + buffer.toString('latin1', 0, bytesRead)).split('\n')
      rest = lines.pop() ?? ''
      yield lines
    }
  } finally {
    void reading.catch(() => {}).then(() => file.close())
  }
}

/** Which file a path led to: its file system and its inode (inode(7)). */
export interface FileId {
  readonly dev: number
  readonly ino: number
}

/**
 * Opens the very file that was seen before. `openRegular` follows no link at the path's end; this also finds out a directory
 * above it that was swapped for a link meanwhile, by whoever may write there.
 */
export async function openSame(reach: string | Buffer, { dev, ino }: FileId, signal: AbortSignal): Promise<OpenFile> {
  const file = await openRegular(reach, signal)
  if (file.stats.dev === dev && file.stats.ino === ino) return file
  await file.handle.close()
  throw cannot(
    `open ${file.path}`,
    'it is not the file that was found there before: it, or a directory above it, was replaced',
  )
}

/**
 * The first `size` bytes of an open file, at most `limit` of them, in chunks of READ_BYTES; the next one is read while the
 * ones before are being consumed. What is appended meanwhile is not read. A chunk that is all hole is ZEROS, and not read. The reading owns the file and closes it.
 */
export function readFrom(
  { path, handle, nextData }: OpenFile,
  size: number,
  limit: number,
  signal: AbortSignal,
): Reading {
  const wanted = Math.min(size, limit)
  const pool = readingPool(Math.min(READ_BYTES, wanted))
  let shrunkTo: number | undefined
  let holes = 0
  let reading: Promise<unknown> = Promise.resolve()

  async function read(position: number, length: number): Promise<Lease> {
    if (length === ZEROS.length && nextData !== undefined && nextData(position) >= position + length) {
      holes += length
      return unlent(ZEROS)
    }
    // Where the read fails or is left behind, the buffer does not come back: something may still write to it.
    const { bytes, release } = await pool.lease(signal)
    return { bytes: await readFully(handle, position, bytes.subarray(0, length)), release }
  }

  function begin(position: number): Promise<Lease> {
    const chunk = read(position, Math.min(READ_BYTES, wanted - position))
    reading = chunk.catch(() => {})
    return chunk
  }

  async function* chunks(): AsyncGenerator<Lease, void, void> {
    let position = 0
    let ahead = begin(0)
    while (position < wanted) {
      const chunk = await abandonable(ahead, signal).catch((error) => {
        throw cannot(`read ${path} at byte ${position}`, error)
      })
      const { length } = chunk.bytes
      const asked = Math.min(READ_BYTES, wanted - position)
      position += length
      if (length < asked) shrunkTo = position
      else if (position < wanted) ahead = begin(position)
      if (length > 0) yield chunk
      if (shrunkTo !== undefined) return
    }
  }

  return {
    chunks: chunks(),
    outcome() {
      const seen = holes > 0 ? { identity: { holes } } : {}
      if (shrunkTo !== undefined) {
        return { ...seen, truncated: `the file shrank while it was read: ${shrunkTo} of ${size} bytes were left` }
      }
      if (wanted === size) return seen
      return { ...seen, truncated: `only the first ${formatBytes(wanted)} of ${formatBytes(size)} were read` }
    },
    async [Symbol.asyncDispose]() {
      pool[Symbol.dispose]()
      // Closing under a read in flight could let it read from whatever gets the descriptor's number next.
      await reading
      await handle.close()
    },
  }
}

/** The buffer filled from `position` on; less of it only at the end of the file. */
async function readFully(handle: FileHandle, position: number, buffer: Buffer): Promise<Buffer> {
  let filled = 0
  while (filled < buffer.length) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}
