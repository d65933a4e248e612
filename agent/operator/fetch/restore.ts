import type { FileHandle } from 'node:fs/promises'
import { CutError, DamageError, plain } from '../../frames/decode.ts'
import { wholeFrames } from '../../frames/find.ts'
import { isZeros, ZEROS } from '../../frames/zeros.ts'
import type { Lost } from '../../seal/lost.ts'
import { sentence } from '../../words/cannot.ts'
import { formatBytes } from '../../words/units.ts'
import { type Meter, metered } from './allowance.ts'
import { AroundHoles } from './around-holes.ts'
import type { Trouble } from './bring.ts'
import { fileBytes, readAll, writeAll } from './file-bytes.ts'
import type { FreeSpace } from './free-space.ts'

/** What restoring is bounded by: what the artifact may become, and the disk. */
export interface Bounds {
  readonly meter: Meter
  readonly space: FreeSpace
  /** What of its stored bytes is known to be missing. */
  readonly lost: Lost
}

/**
 * Decompresses an artifact's frames, which `stored` holds, into `file`. Of a cut one the beginning is restored, of a
 * damaged one every frame that is whole, at its place. Throws TooLargeError.
 */
export async function restoreFrames(
  stored: FileHandle,
  file: FileHandle,
  bounds: Bounds,
  signal: AbortSignal,
): Promise<Trouble | undefined> {
  if (bounds.lost.content.length > 0) return await restoreAround(stored, file, bounds, signal)
  try {
    await writeSparse(file, metered(plain(fileBytes(stored), signal), bounds.meter), bounds.space)
    return undefined
  } catch (error) {
    const trouble = decodeTrouble(error, signal)
    if (!(error instanceof DamageError)) return trouble
    const found = await restoreWhole(stored, file, bounds, signal)
    return {
      status: 'damaged',
      reason: `${sentence(error)}; ${formatBytes(found)} are restored, each frame at its place`,
    }
  }
}

/** Decompresses what is there around what is missing, each frame at its place: between them are holes. */
async function restoreAround(
  stored: FileHandle,
  file: FileHandle,
  bounds: Bounds,
  signal: AbortSignal,
): Promise<Trouble> {
  const around = new AroundHoles(stored, bounds.lost, bounds.meter.left)
  await writeSparse(file, metered(around.content(signal), bounds.meter), bounds.space)
  return around.trouble()
}

/** Writes content as a file of its own. Most of a big core is zeros: they become holes, which take no disk. */
async function writeSparse(file: FileHandle, chunks: AsyncIterable<Buffer>, space: FreeSpace): Promise<void> {
  let at = 0
  await file.truncate(0)
  try {
    for await (const chunk of chunks) {
      if (!isZeros(chunk) && !chunk.equals(ZEROS.subarray(0, chunk.length))) {
        await space.take(chunk.length)
        await writeAll(file, chunk, at)
      }
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
async function restoreWhole(
  stored: FileHandle,
  file: FileHandle,
  { meter, space }: Bounds,
  signal: AbortSignal,
): Promise<number> {
  const { size } = await stored.stat()
  meter.restart()
  let found = 0
  let reached = 0
  const readAt = (from: number, length: number) => readAll(stored, from, length)
  for await (const { marker, content } of wholeFrames(readAt, size, meter.left, signal)) {
    const { plainOffset } = marker
    const end = plainOffset + content.length
    // What is missing before it becomes a hole, which counts as what it reads as.
    meter.take(end - reached)
    await space.take(content.length)
    await writeAll(file, content, plainOffset)
    found += content.length
    reached = end
  }
  return found
}
