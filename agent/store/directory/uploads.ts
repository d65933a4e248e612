import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, lstat, open, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { cannot } from '../../words/cannot.ts'
import { checkKey, UPLOADS } from '../key.ts'
import { PART_BYTES } from '../part-bytes.ts'
import { StoreError } from '../store.ts'
import type { Arrived, Completed, Unfinished, Uploads } from '../uploads.ts'
import { FILE_MODE, makeDirectory, publish } from './durable.ts'
import { onDisk } from './failure.ts'
import { refuseLinks } from './links.ts'
import { directoryStore } from './store.ts'

const UPLOAD = /^[0-9a-f]{16}$/
/** Longer than any key may be. */
const KEY_BYTES = 2048
/** What is looked at at a time. */
const LOOK_BYTES = 64 * 1024
/** write(2) is ended between pages: x86-64 has the smallest. */
const PAGE_BYTES = 4096
/** Who may write there may have put something else in a file's place: it is not followed, nor waited for. */
const PLAIN_FILE = constants.O_NOFOLLOW | constants.O_NONBLOCK
const [READ, CHANGE] = [constants.O_RDONLY | PLAIN_FILE, constants.O_RDWR | PLAIN_FILE] as const

/**
 * Unfinished uploads in a directory, as DIRECTORY.md lays them out. A part that has not arrived is a hole, which is its own
 * filler; which parts are holes is told by their bytes, for none of evidence is 8 MiB of zeros: FRAMES.md.
 */
export function directoryUploads(root: string): Uploads {
  const { href: url } = pathToFileURL(root)
  const store = directoryStore(root)
  return {
    url,
    now: (signal) => now(root, signal),
    list: (prefix, signal) => list(root, prefix, signal),
    parts: (upload, signal) => parts(root, upload, signal),
    complete: (upload, arrived, _, signal) => complete(root, upload, arrived, signal),
    put: async (key, body, signal) => {
      try {
        await store.put(key, body, signal)
        return 'created'
      } catch (thrown) {
        if (thrown instanceof StoreError && thrown.failure === 'exists') return 'exists'
        throw thrown
      }
    },
    // Nobody removes anything here: DIRECTORY.md.
    expiry: async () => undefined,
    [Symbol.asyncDispose]: async () => {},
  }
}

/** By the clock that dates the files there, which may be that of another machine; by ours where nothing can be written. */
async function now(root: string, signal: AbortSignal): Promise<number> {
  const path = join(root, UPLOADS, `${randomBytes(8).toString('hex')}.put`)
  try {
    return await onDisk(`tell the time in ${root}`, signal, async () => {
      await using file = await open(path, 'wx', FILE_MODE)
      await file.write('?')
      return (await file.stat()).mtimeMs
    })
  } catch (thrown) {
    signal.throwIfAborted()
    if (thrown instanceof StoreError && (thrown.failure === 'missing' || thrown.failure === 'denied')) return Date.now()
    throw thrown
  } finally {
    await rm(path, { force: true })
  }
}

async function* list(root: string, prefix: string, signal: AbortSignal): AsyncGenerator<Unfinished> {
  const folder = join(root, UPLOADS)
  const names = await onDisk(`list ${folder}`, signal, () => readdir(folder)).catch((thrown: unknown) => {
    if (thrown instanceof StoreError && thrown.failure === 'missing') return []
    throw thrown
  })
  for (const id of names.filter((name) => UPLOAD.test(name)).sort()) {
    const key = await keyOf(root, id, signal)
    if (key?.startsWith(prefix) && !(await isCompleted(root, key, id, signal))) yield { key, id }
  }
}

/** Whether the object is there, and what is left of the upload was only not removed: its host died between the two. */
async function isCompleted(root: string, key: string, id: string, signal: AbortSignal): Promise<boolean> {
  const paths = [join(root, UPLOADS, id, 'data'), join(root, key)]
  const [data, object] = await onDisk(`look at ${paths[0]}`, signal, () =>
    Promise.all(paths.map((path) => lstat(path).catch(() => undefined))),
  )
  return data !== undefined && data.dev === object?.dev && data.ino === object.ino
}

/** The key of an upload; undefined for one that has none: its host died while it began, or somebody else has put it there. */
async function keyOf(root: string, id: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    return await within(root, `${id}/key`, READ, signal, async (file) => {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(KEY_BYTES), 0, KEY_BYTES, 0)
      const key = buffer.toString('utf8', 0, bytesRead)
      checkKey(key)
      return key
    })
  } catch (thrown) {
    signal.throwIfAborted()
    if (thrown instanceof StoreError && (thrown.failure === 'missing' || thrown.failure === 'permanent'))
      return undefined
    throw thrown
  }
}

async function parts(root: string, { id }: Unfinished, signal: AbortSignal): Promise<Arrived[]> {
  try {
    return await within(root, `${id}/data`, READ, signal, async (file) => {
      const { size } = await file.stat()
      const arrived: Arrived[] = []
      for (let at = 0; at < size; at += PART_BYTES) {
        signal.throwIfAborted()
        const bytes = Math.min(PART_BYTES, size - at)
        const written = await writtenOf(file, at, bytes)
        const missing = at + bytes < size ? bytes - written : 0
        if (written > 0) arrived.push({ number: at / PART_BYTES + 1, bytes, ...(missing > 0 && { missing }) })
      }
      return arrived
    })
  } catch (thrown) {
    if (thrown instanceof StoreError && thrown.failure === 'missing') return []
    throw thrown
  }
}

/**
 * Bytes of a part up to the end of its last page that is not all zeros: it may have been cut while it was written. Not to the last byte that is no zero:
 * what arrived whole may end with some.
 */
async function writtenOf(file: FileHandle, from: number, bytes: number): Promise<number> {
  const buffer = Buffer.allocUnsafeSlow(LOOK_BYTES)
  for (let end = bytes; end > 0; ) {
    const begin = Math.floor((end - 1) / LOOK_BYTES) * LOOK_BYTES
    const { bytesRead } = await file.read(buffer, 0, end - begin, from + begin)
    const last = buffer.subarray(0, bytesRead).findLastIndex((byte) => byte !== 0)
    if (last >= 0) return Math.min(bytes, (Math.floor((begin + last) / PAGE_BYTES) + 1) * PAGE_BYTES)
    end = begin
  }
  return 0
}

async function complete(
  root: string,
  { key, id }: Unfinished,
  arrived: readonly Arrived[],
  signal: AbortSignal,
): Promise<Completed> {
  checkKey(key)
  const upload = join(root, UPLOADS, id)
  const path = join(root, key)
  const last = arrived.at(-1)
  const bytes = last === undefined ? 0 : (last.number - 1) * PART_BYTES + last.bytes
  try {
    await within(root, `${id}/data`, CHANGE, signal, async (file) => {
      if ((await file.stat()).size !== bytes) await file.truncate(bytes)
      await file.sync()
      await refuseLinks(root, key)
      await makeDirectory(dirname(path))
      await publish(join(upload, 'data'), path)
      await rm(upload, { recursive: true }).catch(() => {})
    })
    return 'completed'
  } catch (thrown) {
    if (thrown instanceof StoreError && thrown.failure === 'exists') return 'exists'
    if (thrown instanceof StoreError && thrown.failure === 'missing') return 'gone'
    throw thrown
  }
}

/** Does something with a file of an upload, which must be a plain one. */
async function within<T>(
  root: string,
  name: string,
  flags: number,
  signal: AbortSignal,
  work: (file: FileHandle) => Promise<T>,
): Promise<T> {
  const path = join(root, UPLOADS, name)
  return await onDisk(`use ${path}`, signal, async () => {
    await refuseLinks(root, `${UPLOADS}/${name}`)
    await using file = await open(path, flags)
    if ((await file.stat()).isFile()) return await work(file)
    throw new StoreError('permanent', cannot(`use ${path}`, 'it is no file').message)
  })
}
