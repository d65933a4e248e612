import { createHash } from 'node:crypto'
import { Intake } from '../streams/intake.ts'
import { sentence } from '../words/cannot.ts'
import { CutError, DamageError } from './errors.ts'
import { frameContent } from './frame-content.ts'
import {
  DIGEST_BYTES,
  DIGEST_MAGIC,
  FRAME_BYTES,
  formatDigest,
  isOurs,
  MARKER_BYTES,
  parseMarker,
  SHORT_FRAMES_MAX,
  START_BYTES,
  VERSION,
  versionOf,
} from './marker.ts'
import { ordinaryContent } from './ordinary.ts'
import { type Entry, formatSeekTable, seekTableBytes } from './seek-table.ts'
import { contentHash } from './zeros.ts'

export { CutError, DamageError } from './errors.ts'

/**
 * The content of a stored zstd stream. Of ours (FRAMES.md) everything is checked: each frame's checksum, its marker,
 * the digest, the table. An ordinary zstd file is decoded as far as it goes.
 * Throws CutError or DamageError after having yielded all the content that lies whole before the trouble; an error
 * of `stored` itself comes through, after the same.
 */
export async function* plain(stored: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer, void, void> {
  await using intake = new Intake(stored, signal)
  if (isOurs(await intake.peek(START_BYTES))) yield* ourContent(intake, signal)
  else yield* ordinaryContent(intake, signal)
}

async function* ourContent(intake: Intake, signal: AbortSignal): AsyncGenerator<Buffer, void, void> {
  const hash = createHash('sha256')
  const entries: Entry[] = []
  let frames = 0
  let shortFrames = 0
  let plainBytes = 0
  let contentWhole = false
  let good = 0
  const damaged = (why: unknown): DamageError =>
    new DamageError(`cannot decode what is stored at byte ${good}: ${sentence(why)}`, {
      plainBytes,
      storedOffset: good,
      ...(why instanceof Error && { cause: why }),
    })
  const take = async (length: number): Promise<Buffer> => {
    const bytes = await intake.take(length)
    if (bytes.length === length) return bytes
    const missing = contentWhole
      ? 'inside its seek table; its content is whole'
      : `after ${plainBytes} bytes of content`
    throw new CutError(`cannot decode all of it: it ends ${missing}`, { plainBytes, contentWhole })
  }
  const accept = (stored: number, plain: number): void => {
    entries.push({ stored, plain })
    good = intake.position
  }

  while (!contentWhole) {
    signal.throwIfAborted()
    const head = await intake.peek(START_BYTES)
    const version = versionOf(head)
    if (version !== undefined && version !== VERSION) {
      throw damaged(`it is version ${version} of the format; this lastgasp reads version ${VERSION}`)
    }
    if (head.length >= 4 && head.readUInt32LE(0) === DIGEST_MAGIC) {
      const digest = await take(DIGEST_BYTES)
      if (!digest.equals(formatDigest({ frames, plainBytes, sha256: hash.digest() }))) {
        throw damaged('the content does not match its digest')
      }
      contentWhole = true
      accept(DIGEST_BYTES, 0)
      continue
    }
    const marker = parseMarker(await take(MARKER_BYTES))
    if (marker === undefined) throw damaged('there should be a frame marker')
    if (marker.plainOffset !== plainBytes || marker.storedOffset !== good) {
      throw damaged('the frame marker belongs to another place')
    }
    if (marker.plainLength < FRAME_BYTES) shortFrames += 1
    if (shortFrames > SHORT_FRAMES_MAX) throw damaged(`more than ${SHORT_FRAMES_MAX} of its frames are short`)
    const frame = await take(marker.storedLength)
    const content = await frameContent(frame, marker).catch((why) => Promise.reject(damaged(why)))
    hash.update(contentHash(content))
    accept(MARKER_BYTES, 0)
    accept(frame.length, content.length)
    frames += 1
    plainBytes += content.length
    yield content
  }
  if (!(await take(seekTableBytes(entries.length))).equals(formatSeekTable(entries))) {
    throw damaged('the seek table does not match the frames')
  }
  good = intake.position
  if (!(await intake.ended())) throw damaged('there are bytes behind the seek table')
}
