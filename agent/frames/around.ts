import { overlaps, type Range } from '../words/ranges.ts'
import { type FoundFrame, wholeFrames } from './find.ts'
import { DIGEST_BYTES, DIGEST_MAGIC, MARKER_BYTES, parseMarker, START_BYTES, versionOf } from './marker.ts'
import type { ReadAt } from './range.ts'

/** How a stored stream with holes ends. */
export interface Around {
  /** Whether nothing but its holes, and what they cut, is missing before its end. */
  readonly explained: boolean
  /** Whether it ends as it should: then no content is missing behind the last frame. */
  readonly ended: boolean
}

/**
 * The frames of a stored stream of `size` bytes around its `holes`, in order, each with its place. Tells at the end whether
 * the holes are all that is wrong with it. `most`: bytes of content that it may have.
 */
export async function* framesAround(
  readAt: ReadAt,
  size: number,
  holes: () => readonly Range[],
  most: number,
  signal: AbortSignal,
): AsyncGenerator<FoundFrame, Around, void> {
  let reached = 0
  let explained = true
  const isLost = (from: number, to: number) => overlaps(holes(), from, to)
  for await (const found of wholeFrames(readAt, size, most, signal)) {
    const { storedOffset, storedLength } = found.marker
    explained &&= storedOffset === reached || isLost(reached, storedOffset)
    reached = storedOffset + MARKER_BYTES + storedLength
    yield found
  }
  const tail = await readAt(reached, Math.min(DIGEST_BYTES, size - reached), signal)
  const ended = tail.length === DIGEST_BYTES && tail.readUInt32LE(0) === DIGEST_MAGIC && versionOf(tail) !== undefined
  return { explained: explained && (ended || isLost(reached, size) || isCut(tail, reached, size)), ended }
}

/** Whether the stream ends within a frame that began well. */
function isCut(tail: Buffer, reached: number, size: number): boolean {
  if (tail.length < START_BYTES) return true
  const marker = parseMarker(tail)
  if (marker === undefined) return tail.length < MARKER_BYTES && versionOf(tail) !== undefined
  return marker.storedOffset === reached && reached + MARKER_BYTES + marker.storedLength > size
}
