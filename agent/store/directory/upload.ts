import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { cannot } from '../../words/cannot.ts'
import { checkKey, UPLOADS } from '../key.ts'
import type { Pace } from '../pace.ts'
import { PART_BYTES } from '../part-bytes.ts'
import { checkPart, leadingParts } from '../parts.ts'
import { StoreError, type Upload } from '../store.ts'
import { FILE_MODE, makeDirectory, publish } from './durable.ts'
import { onDisk } from './failure.ts'
import { refuseLinks } from './links.ts'

/** Begins an upload in a directory of its own below `.uploads`. If nobody completes it, it stays there for salvage. */
export async function beginUpload(root: string, key: string, pace: Pace, signal: AbortSignal): Promise<Upload> {
  checkKey(key)
  const path = join(root, key)
  const upload = join(root, UPLOADS, randomBytes(8).toString('hex'))
  const data = join(upload, 'data')
  await onDisk(`begin ${path}`, signal, async () => {
    await makeDirectory(upload)
    await writeFile(join(upload, 'key'), key, { flag: 'wx', flush: true, mode: FILE_MODE })
    await writeFile(data, '', { flag: 'wx', mode: FILE_MODE })
  })
  const arrived = new Map<number, number>()
  const writing = new Set<Promise<void>>()
  return {
    key,
    async part(number, body, signal) {
      checkPart(key, number, body)
      await pace.during(body.length, () =>
        onDisk(`store part ${number} of ${path}`, signal, async () => {
          // Opened for each part: an upload has no owner that could close what it holds.
          await using file = await open(data, 'r+')
          const write = writeAt(file, body, (number - 1) * PART_BYTES, signal).finally(() => writing.delete(write))
          writing.add(write)
          await write
          await file.datasync()
        }),
      )
      arrived.set(number, body.length)
    },
    async complete(signal) {
      const { count, bytes } = leadingParts(arrived)
      if (count === 0)
        throw new StoreError('permanent', cannot(`complete ${path}`, 'its first part is missing').message)
      await onDisk(`complete ${path}`, signal, async () => {
        await refuseLinks(root, key)
        await makeDirectory(dirname(path))
        // A part that was given up may still be writing, and would do so behind the end.
        await Promise.allSettled(writing)
        await using file = await open(data, 'r+')
        await file.truncate(bytes)
        await file.sync()
        signal.throwIfAborted()
        await publish(data, path)
        // The object is there, whatever becomes of what is left of the upload.
        await rm(upload, { recursive: true }).catch(() => {})
      })
      return { key, bytes }
    },
  }
}

/** Bytes that one write(2) takes, which nothing can end. */
const WRITE_BYTES = 1024 * 1024

async function writeAt(file: FileHandle, body: Buffer, position: number, signal: AbortSignal): Promise<void> {
  for (let done = 0; done < body.length; ) {
    signal.throwIfAborted()
    const length = Math.min(WRITE_BYTES, body.length - done)
    const { bytesWritten } = await file.write(body, done, length, position + done)
    done += bytesWritten
  }
}
