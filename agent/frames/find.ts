import { DamageError } from './errors.ts'
import { MARKER_BYTES, type Marker, markerStart, parseMarker } from './marker.ts'
import { frameAt, type ReadAt } from './range.ts'

/** How much is searched at a time, in bytes. */
const WINDOW_BYTES = 1024 * 1024

/** A frame that was found whole, and its content. */
export interface FoundFrame {
  readonly marker: Marker
  readonly content: Buffer
}

/**
 * The next frame marker at or after `from`, or undefined if there is none. A marker counts only where it says it
 * lies, so that a copy of one inside the content (a core of a process that held frames) leads nobody astray.
 */
export async function resync(
  readAt: ReadAt,
  size: number,
  from: number,
  signal: AbortSignal,
): Promise<Marker | undefined> {
  const start = markerStart()
  for (let at = from; at + MARKER_BYTES <= size; at += WINDOW_BYTES) {
    signal.throwIfAborted()
    const window = await readAt(at, Math.min(WINDOW_BYTES + MARKER_BYTES - 1, size - at), signal)
    for (let index = window.indexOf(start); index >= 0; index = window.indexOf(start, index + 1)) {
      const marker = parseMarker(window.subarray(index, index + MARKER_BYTES))
      if (marker?.storedOffset === at + index) return marker
    }
  }
  return undefined
}

/**
 * Every whole frame of a file with holes, damage or no end, in order, each with its place: what lies between them
 * is lost, what is yielded is good. Needs neither beginning nor seek table.
 */
export async function* wholeFrames(
  readAt: ReadAt,
  size: number,
  signal: AbortSignal,
): AsyncGenerator<FoundFrame, void, void> {
  let at = 0
  while (true) {
    const marker = await resync(readAt, size, at, signal)
    if (marker === undefined) return
    const content = await frameAt(readAt, marker, signal).catch((error: unknown) => {
      if (error instanceof DamageError) return undefined
      throw error
    })
    if (content === undefined) {
      at = marker.storedOffset + 1
      continue
    }
    yield { marker, content }
    at = marker.storedOffset + MARKER_BYTES + marker.storedLength
  }
}
