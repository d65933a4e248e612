import type { FileHandle } from 'node:fs/promises'

/** How much of a file is read at a time, in bytes: a whole number of the seal's chunks. */
const READ_BYTES = 4 * 1024 * 1024

/** The bytes of an open file from its beginning, or those before `end`; all buffers but the last are READ_BYTES long. */
export async function* fileBytes(file: FileHandle, end = Infinity): AsyncGenerator<Buffer> {
  for (let at = 0; at < end; ) {
    const bytes = await readAll(file, at, Math.min(READ_BYTES, end - at))
    if (bytes.length === 0) return
    at += bytes.length
    yield bytes
  }
}

/** `length` bytes of an open file at byte `from`; fewer only where it ends. */
export async function readAll(file: FileHandle, from: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await file.read(buffer, done, length - done, from + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return buffer.subarray(0, done)
}

/** Writes all of a buffer into an open file at byte `at`. */
export async function writeAll(file: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten
  }
}
