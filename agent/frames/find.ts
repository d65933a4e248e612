import { DamageError } from './errors.ts'
import { FRAME_BYTES, MARKER_BYTES, type Marker, markerStart, parseMarker, SHORT_FRAMES_MAX } from './marker.ts'
import { frameAt, type ReadAt } from './range.ts'

/** How much is searched at a time, in bytes. */
const WINDOW_BYTES = 1024 * 1024

/** A frame that was found whole, and its content. */
export interface FoundFrame {
  readonly marker: Marker
  readonly content: Buffer
}

/** The next marker at or after byte `from`; undefined where there is none. */
export type MarkerSearch = (from: number, signal: AbortSignal) => Promise<Marker | undefined>

/**
 * Looks for frame markers in a file of `size` bytes. A marker counts only where it says it lies, so that a copy of one
 * inside the content (a core of a process that held frames) leads nobody astray.
 */
export function markerSearch(readAt: ReadAt, size: number): MarkerSearch {
  const start = markerStart()
  // Kept from one call to the next: a file that is full of markers is read once all the same.
  let held: { readonly at: number; readonly window: Buffer } = { at: 0, window: Buffer.alloc(0) }
  return async (from, signal) => {
    for (let at = from; at + MARKER_BYTES <= size; ) {
      signal.throwIfAborted()
      if (at < held.at || at + MARKER_BYTES > held.at + held.window.length) {
        held = { at, window: await readAt(at, Math.min(WINDOW_BYTES, size - at), signal) }
        if (held.window.length < MARKER_BYTES) return undefined
      }
      const { window } = held
      for (let index = window.indexOf(start, at - held.at); index >= 0; index = window.indexOf(start, index + 1)) {
        const marker = parseMarker(window.subarray(index, index + MARKER_BYTES))
        if (marker?.storedOffset === held.at + index) return marker
      }
      at = held.at + window.length - MARKER_BYTES + 1
    }
    return undefined
  }
}

/**
 * Every whole frame of a file with holes, damage or no end, in order, each with its place: what lies between them
 * is lost, what is yielded is good. Needs neither beginning nor seek table.
 * `most`: bytes of content that the file may have. Frames of a file do not overlap, so those that are looked at, good or
 * bad, are no longer than the file and its content; markers that say otherwise are forged, and the search ends there.
 */
export async function* wholeFrames(
  readAt: ReadAt,
  size: number,
  most: number,
  signal: AbortSignal,
): AsyncGenerator<FoundFrame, void, void> {
  const next = markerSearch(readAt, size)
  let left = { stored: size, plain: most, short: SHORT_FRAMES_MAX }
  let plainEnd = 0
  for (let marker = await next(0, signal); marker !== undefined; ) {
    const { storedOffset, storedLength, plainOffset, plainLength } = marker
    let from = storedOffset + 1
    if (plainOffset >= plainEnd && plainOffset + plainLength <= most) {
      const short = plainLength < FRAME_BYTES ? 1 : 0
      left = { stored: left.stored - storedLength, plain: left.plain - plainLength, short: left.short - short }
      if (left.stored < 0 || left.plain < 0 || left.short < 0) return
      const content = await frameAt(readAt, marker, signal).catch((error: unknown) => {
        if (error instanceof DamageError) return undefined
        throw error
      })
      if (content !== undefined) {
        yield { marker, content }
        plainEnd = plainOffset + plainLength
        from = storedOffset + MARKER_BYTES + storedLength
      }
    }
    marker = await next(from, signal)
  }
}
