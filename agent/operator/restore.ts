import type { FileHandle } from 'node:fs/promises'
import { cannot, sentence } from '../cannot.ts'
import { CutError, DamageError, plain } from '../frames/decode.ts'
import { wholeFrames } from '../frames/find.ts'
import { FRAME_BYTES } from '../frames/marker.ts'
import { formatBytes } from '../settings/units.ts'
import type { Trouble } from './bring.ts'
import { fileBytes, readAll, writeAll } from './file-bytes.ts'

/**
 * Decompresses an artifact's frames, which `stored` holds, into `file`. Of a cut one the beginning is restored, of a
 * damaged one every frame that is whole, at its place. `most`: the bytes that its receipt tells, which it may not
 * exceed; undefined where there is none.
 */
export async function restoreFrames(
  stored: FileHandle,
  file: FileHandle,
  most: number | undefined,
  signal: AbortSignal,
): Promise<Trouble | undefined> {
  try {
    await writeSparse(file, capped(plain(fileBytes(stored), signal), most))
    return undefined
  } catch (error) {
    const trouble = decodeTrouble(error, signal)
    if (!(error instanceof DamageError)) return trouble
    const found = await restoreWhole(stored, file, most ?? Infinity, signal)
    return {
      status: 'damaged',
      reason: `${sentence(error)}; ${formatBytes(found)} are restored, each frame at its place`,
    }
  }
}

/** Writes content as a file of its own. Most of a big core is zeros: they become holes, which take no disk. */
async function writeSparse(file: FileHandle, chunks: AsyncIterable<Buffer>): Promise<void> {
  const zeros = Buffer.alloc(FRAME_BYTES)
  let at = 0
  await file.truncate(0)
  try {
    for await (const chunk of chunks) {
      if (!chunk.equals(zeros.subarray(0, chunk.length))) await writeAll(file, chunk, at)
      at += chunk.length
    }
  } finally {
    await file.truncate(at)
  }
}

/** What an error of decoding means for what was decoded; nothing if only the table after the content is missing. */
export function decodeTrouble(error: unknown, signal: AbortSignal): Trouble | undefined {
  signal.throwIfAborted()
  if (error instanceof DamageError) return { status: 'damaged', reason: error.message }
  if (!(error instanceof CutError)) throw error
  return error.contentWhole ? undefined : { status: 'truncated', reason: error.message }
}

/** What is whole of a damaged artifact, at its place: what is missing between reads as zeros. */
async function restoreWhole(stored: FileHandle, file: FileHandle, most: number, signal: AbortSignal): Promise<number> {
  const { size } = await stored.stat()
  let found = 0
  for await (const { marker, content } of wholeFrames((from, length) => readAll(stored, from, length), size, signal)) {
    if (marker.plainOffset + content.length > most) continue
    await writeAll(file, content, marker.plainOffset)
    found += content.length
  }
  return found
}

/** The chunks, of which there must not be more bytes than the receipt says: a few bytes decompress to any number. */
export async function* capped(chunks: AsyncIterable<Buffer>, most: number | undefined): AsyncGenerator<Buffer> {
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    if (bytes > (most ?? Infinity)) throw cannot('decompress it', `it holds more than the ${most} bytes of its receipt`)
    yield chunk
  }
}
