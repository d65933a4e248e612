import { sentence } from '../words/cannot.ts'
import { CutError, DamageError } from './errors.ts'
import { frameContent } from './frame-content.ts'
import { MARKER_BYTES, type Marker, parseMarker } from './marker.ts'
import { ENTRIES_MAX, FOOTER_BYTES, parseFooter, parseSeekTable, placesOf, seekTableBytes } from './seek-table.ts'

/** Reads `length` bytes at byte `from` of a stored stream; fewer only where it ends. */
export type ReadAt = (from: number, length: number, signal: AbortSignal) => Promise<Buffer>

/**
 * Where the frames of a whole file of `size` bytes lie, from the seek table at its end. Throws CutError where there
 * is none: such a file is read with `plain` from its beginning, or with `wholeFrames` of find.ts.
 */
export async function readPlaces(readAt: ReadAt, size: number, signal: AbortSignal): Promise<readonly Marker[]> {
  const footer = await readAt(Math.max(0, size - FOOTER_BYTES), Math.min(FOOTER_BYTES, size), signal)
  const count = parseFooter(footer)
  if (count === undefined) {
    throw new CutError('cannot read a part of it: it has no seek table at its end', {
      plainBytes: 0,
      contentWhole: false,
    })
  }
  const length = seekTableBytes(count)
  const entries =
    count <= ENTRIES_MAX && length <= size ? parseSeekTable(await readAt(size - length, length, signal)) : undefined
  const places = placesOf(entries ?? [])
  const listed = entries?.reduce((sum, { stored }) => sum + stored, 0)
  // Another writer's table lists frames without markers: then the first one's would lie before the file.
  if (listed !== size - length || (places[0]?.storedOffset ?? 0) !== 0) {
    throw new DamageError('cannot read a part of it: its seek table does not match the file', {
      plainBytes: 0,
      storedOffset: Math.max(0, size - length),
    })
  }
  return places
}

/**
 * The content from byte `from` on, `length` bytes of it or what there is. Reads and checks the frames that hold it
 * and no others; `places` as `readPlaces` gives them.
 */
export async function* plainRange(
  readAt: ReadAt,
  places: readonly Marker[],
  from: number,
  length: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, void> {
  const end = from + length
  for (let index = frameHolding(places, from); index < places.length && from < end; index += 1) {
    const place = places[index] as Marker
    if (place.plainOffset >= end || place.plainOffset + place.plainLength <= from) return
    const content = await frameAt(readAt, place, signal)
    yield content.subarray(Math.max(0, from - place.plainOffset), end - place.plainOffset)
  }
}

/** The content of the frame at a place. Throws DamageError if it is not there as the place says. */
export async function frameAt(readAt: ReadAt, place: Marker, signal: AbortSignal): Promise<Buffer> {
  const bytes = await readAt(place.storedOffset, MARKER_BYTES + place.storedLength, signal)
  const marker = parseMarker(bytes)
  try {
    if (marker === undefined) throw new Error('there should be a frame marker')
    if (!isSame(marker, place)) throw new Error('the frame marker belongs to another place')
    return await frameContent(bytes.subarray(MARKER_BYTES), marker)
  } catch (why) {
    const { plainOffset, storedOffset } = place
    throw new DamageError(`cannot decode what is stored at byte ${storedOffset}: ${sentence(why)}`, {
      plainBytes: plainOffset,
      storedOffset,
      cause: why,
    })
  }
}

/** Index of the frame in which a plain offset lies: the last one that does not begin behind it. */
function frameHolding(places: readonly Marker[], offset: number): number {
  let low = 0
  let high = places.length
  while (high - low > 1) {
    const middle = (low + high) >>> 1
    if ((places[middle] as Marker).plainOffset <= offset) low = middle
    else high = middle
  }
  return low
}

function isSame(one: Marker, other: Marker): boolean {
  return (
    one.storedOffset === other.storedOffset &&
    one.storedLength === other.storedLength &&
    one.plainOffset === other.plainOffset &&
    one.plainLength === other.plainLength
  )
}
