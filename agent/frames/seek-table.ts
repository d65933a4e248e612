/**
 * The table at the end of the file: zstd's "seekable format" 0.1.0, contrib/seekable_format in the zstd sources.
 */
import { FRAME_BYTES, MARKER_BYTES, type Marker, SKIPPABLE_HEADER_BYTES } from './marker.ts'

export const SEEK_TABLE_MAGIC = 0x184d2a5e
const SEEKABLE_MAGIC = 0x8f92eab1
/** Number of entries (u32), descriptor (u8), SEEKABLE_MAGIC (u32). */
export const FOOTER_BYTES = 9
const ENTRY_BYTES = 8
/** Entries that a table has at most: two for each frame of 2 TiB of content. A footer can say any number. */
export const ENTRIES_MAX = 2 ** 20
/** Bytes of content that a stream holds at most: what comes after would have no place in the table. */
export const CONTENT_MAX = (ENTRIES_MAX / 2 - 1) * FRAME_BYTES
/** Descriptor bit 7: each entry carries a checksum too. Bits 6 to 2 are reserved, and must be 0. */
const CHECKSUM_FLAG = 0x80
const RESERVED_BITS = 0x7c

/** One zstd or skippable frame of the file, in order; `plain` is 0 for what carries no content. */
export interface Entry {
  readonly stored: number
  readonly plain: number
}

/** Size in bytes of a table of so many entries. */
export function seekTableBytes(entries: number): number {
  return SKIPPABLE_HEADER_BYTES + entries * ENTRY_BYTES + FOOTER_BYTES
}

export function formatSeekTable(entries: readonly Entry[]): Buffer {
  const bytes = Buffer.alloc(seekTableBytes(entries.length))
  bytes.writeUInt32LE(SEEK_TABLE_MAGIC, 0)
  bytes.writeUInt32LE(bytes.length - SKIPPABLE_HEADER_BYTES, 4)
  let at = SKIPPABLE_HEADER_BYTES
  for (const { stored, plain } of entries) {
    bytes.writeUInt32LE(stored, at)
    bytes.writeUInt32LE(plain, at + 4)
    at += ENTRY_BYTES
  }
  bytes.writeUInt32LE(entries.length, at)
  bytes.writeUInt32LE(SEEKABLE_MAGIC, at + 5)
  return bytes
}

/** How many entries the table has whose footer (the file's last 9 bytes) this is; undefined where it is none of ours. */
export function parseFooter(footer: Buffer): number | undefined {
  if (footer.length !== FOOTER_BYTES || footer.readUInt32LE(5) !== SEEKABLE_MAGIC) return undefined
  const foreign = ((footer[4] ?? 0) & (CHECKSUM_FLAG | RESERVED_BITS)) !== 0
  return foreign ? undefined : footer.readUInt32LE(0)
}

/** The entries of a whole table, header and footer included; undefined where the bytes contradict themselves. */
export function parseSeekTable(bytes: Buffer): Entry[] | undefined {
  const count = parseFooter(bytes.subarray(-FOOTER_BYTES))
  if (count === undefined || bytes.length !== seekTableBytes(count)) return undefined
  if (bytes.readUInt32LE(0) !== SEEK_TABLE_MAGIC) return undefined
  if (bytes.readUInt32LE(4) !== bytes.length - SKIPPABLE_HEADER_BYTES) return undefined
  return Array.from({ length: count }, (_, index) => {
    const at = SKIPPABLE_HEADER_BYTES + index * ENTRY_BYTES
    return { stored: bytes.readUInt32LE(at), plain: bytes.readUInt32LE(at + 4) }
  })
}

/** Where the frames lie that a table of ours lists: each is an entry with content after its marker's. */
export function placesOf(entries: readonly Entry[]): Marker[] {
  const places: Marker[] = []
  let storedOffset = 0
  let plainOffset = 0
  for (const { stored, plain } of entries) {
    if (plain > 0) {
      const marker = storedOffset - MARKER_BYTES
      places.push({ storedOffset: marker, storedLength: stored, plainOffset, plainLength: plain })
    }
    storedOffset += stored
    plainOffset += plain
  }
  return places
}
