import { constants, type Dirent } from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { cannot } from '../../words/cannot.ts'
import { checkKey, UPLOADS } from '../key.ts'
import { type Archive, type ObjectEntry, StoreError } from '../store.ts'
import { onDisk } from './failure.ts'
import { refuseLinks } from './links.ts'

/** Bytes per chunk of a read: as large as the frames it will mostly be, small next to the memory of anything. */
const READ_BYTES = 1024 * 1024

/** Reads the store in a directory, as DIRECTORY.md lays it out. */
export function directoryArchive(root: string): Archive {
  return {
    url: pathToFileURL(root).href,
    list: (prefix, signal) => walk(root, '', prefix, signal),
    folders: (prefix, signal) => folders(root, prefix, signal),
    read: (key, from, signal) => read(root, key, from, signal),
    [Symbol.asyncDispose]: async () => {},
  }
}

/** Depth first, each directory sorted as if its own name ended in a slash: that is the order of whole keys. */
async function* walk(root: string, folder: string, prefix: string, signal: AbortSignal): AsyncGenerator<ObjectEntry> {
  for (const { key, entry } of await sorted(root, folder, signal)) {
    if (entry.isDirectory() && (key.startsWith(prefix) || prefix.startsWith(key)))
      yield* walk(root, key, prefix, signal)
    if (!entry.isFile() || !key.startsWith(prefix)) continue
    const path = join(root, key)
    const { size, mtimeMs } = await onDisk(`look at ${path}`, signal, () => stat(path))
    yield { key, bytes: size, modified: mtimeMs }
  }
}

async function* folders(root: string, prefix: string, signal: AbortSignal): AsyncGenerator<string> {
  for (const { key, entry } of await sorted(root, prefix, signal)) if (entry.isDirectory()) yield key
}

/** What lies in a folder ('' or with trailing slash), in S3's order: by the bytes of the key in UTF-8. */
async function sorted(root: string, folder: string, signal: AbortSignal) {
  const entries = await entriesOf(root, folder, signal)
  return entries
    .filter((entry) => folder !== '' || entry.name !== UPLOADS)
    .map((entry) => ({ key: `${folder}${entry.name}${entry.isDirectory() ? '/' : ''}`, entry }))
    .sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)))
}

async function entriesOf(root: string, folder: string, signal: AbortSignal): Promise<Dirent[]> {
  if (folder.split('/').includes('..')) return []
  const path = join(root, folder)
  try {
    return await onDisk(`list ${path}`, signal, () => readdir(path, { withFileTypes: true }))
  } catch (thrown) {
    if (!(thrown instanceof StoreError) || thrown.failure !== 'missing') throw thrown
    if (folder !== '') return []
    throw new StoreError('permanent', cannot(`list ${path}`, 'there is no such directory').message, { cause: thrown })
  }
}

async function read(root: string, key: string, from: number, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
  checkKey(key)
  const path = join(root, key)
  await onDisk(`read ${path}`, signal, () => refuseLinks(root, key))
  const found = await onDisk(`read ${path}`, signal, () => stat(path))
  if (!found.isFile()) throw new StoreError('missing', cannot(`read ${path}`, 'it is not a file').message)
  return chunks(path, from, signal)
}

// Whoever writes here may have put something else there since it was looked at: a link, or a FIFO on which open(2) would wait.
const PLAIN_FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

async function* chunks(path: string, from: number, signal: AbortSignal): AsyncGenerator<Buffer> {
  const file = await onDisk(`read ${path}`, signal, () => open(path, PLAIN_FILE))
  try {
    for (let at = from; ; ) {
      const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
      const { bytesRead } = await onDisk(`read ${path}`, signal, () => file.read(buffer, 0, buffer.length, at))
      if (bytesRead === 0) return
      at += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    // Not waited for: closing waits for a read that may hang for good.
    void file.close().catch(() => {})
  }
}
