/**
 * The two skippable frames of our own, marker and digest: see FRAMES.md. Arithmetic on bytes, no I/O.
 */

/** Most plain bytes in a frame: small enough to hold a few in memory, big enough that the ratio does not suffer. */
export const FRAME_BYTES = 4 * 1024 * 1024
/** What a frame of incompressible content may take: ZSTD_compressBound(FRAME_BYTES) in zstd.h. */
export const FRAME_STORED_MAX = FRAME_BYTES + (FRAME_BYTES >> 8)
/**
 * Frames of less than FRAME_BYTES that a reader takes in one stream. Writers have the last, and a few of what was slow to
 * come; millions of frames of a byte each would cost a reader hours.
 */
export const SHORT_FRAMES_MAX = 64

/** Skippable frames have magics 0x184D2A50 to 0x184D2A5F, free to use: RFC 8878, section 3.1.2. */
export const MARKER_MAGIC = 0x184d2a5c
export const DIGEST_MAGIC = 0x184d2a5d

export const MARKER_BYTES = 44
export const DIGEST_BYTES = 64
/** Magic and payload length, which every skippable frame begins with. */
export const SKIPPABLE_HEADER_BYTES = 8
export const VERSION = 1
const TAG = 'lastgasp'
/** Bytes that tell whose frame it is and which version: magic, payload length, tag, version. */
export const START_BYTES = 20

/** One frame: where it lies and what it holds. Offsets and lengths in bytes. */
export interface Marker {
  /** Where the marker begins in the stored stream; the zstd frame follows it at once. */
  readonly storedOffset: number
  /** Size of the zstd frame, without its marker. */
  readonly storedLength: number
  readonly plainOffset: number
  readonly plainLength: number
}

/** What the whole content must come to. */
export interface Digest {
  readonly frames: number
  readonly plainBytes: number
  /** Of the SHA-256 of each frame's content, one after the other. */
  readonly sha256: Buffer
}

/** The bytes every marker of this version begins with: what to look for after a hole. */
export function markerStart(): Buffer {
  return skippable(MARKER_MAGIC, MARKER_BYTES).subarray(0, START_BYTES)
}

/** The version a frame of ours names in its first bytes, or undefined where they are none of ours. */
export function versionOf(start: Buffer): number | undefined {
  return start.length >= START_BYTES && start.toString('latin1', 8, 16) === TAG ? start.readUInt32LE(16) : undefined
}

/** Whether a stored stream that begins with these bytes is one of ours, intact or not. */
export function isOurs(bytes: Buffer): boolean {
  if (bytes.length < 4) return false
  const magic = bytes.readUInt32LE(0)
  return magic === MARKER_MAGIC || magic === DIGEST_MAGIC || bytes.toString('latin1', 8, 16) === TAG
}

export function formatMarker(marker: Marker): Buffer {
  const bytes = skippable(MARKER_MAGIC, MARKER_BYTES)
  bytes.writeUInt32LE(marker.plainLength, 20)
  bytes.writeBigUInt64LE(BigInt(marker.plainOffset), 24)
  bytes.writeBigUInt64LE(BigInt(marker.storedOffset), 32)
  bytes.writeUInt32LE(marker.storedLength, 40)
  return bytes
}

/** The marker, or undefined where these bytes are none of this version. */
export function parseMarker(bytes: Buffer): Marker | undefined {
  if (bytes.length < MARKER_BYTES || !bytes.subarray(0, START_BYTES).equals(markerStart())) return undefined
  const marker = {
    plainLength: bytes.readUInt32LE(20),
    plainOffset: Number(bytes.readBigUInt64LE(24)),
    storedOffset: Number(bytes.readBigUInt64LE(32)),
    storedLength: bytes.readUInt32LE(40),
  }
  const possible =
    within(marker.plainLength, FRAME_BYTES) &&
    within(marker.storedLength, FRAME_STORED_MAX) &&
    Number.isSafeInteger(marker.plainOffset) &&
    Number.isSafeInteger(marker.storedOffset)
  return possible ? marker : undefined
}

export function formatDigest(digest: Digest): Buffer {
  const bytes = skippable(DIGEST_MAGIC, DIGEST_BYTES)
  bytes.writeUInt32LE(digest.frames, 20)
  bytes.writeBigUInt64LE(BigInt(digest.plainBytes), 24)
  digest.sha256.copy(bytes, 32)
  return bytes
}

function skippable(magic: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  bytes.writeUInt32LE(magic, 0)
  bytes.writeUInt32LE(length - SKIPPABLE_HEADER_BYTES, 4)
  bytes.write(TAG, 8, 'latin1')
  bytes.writeUInt32LE(VERSION, 16)
  return bytes
}

function within(length: number, most: number): boolean {
  return length > 0 && length <= most
}
