import type { FileHandle } from 'node:fs/promises'
import { abandonable } from '../../../deadline.ts'
import { siphash24 } from './siphash.ts'

/**
 * Finds entries in a journal file by its own hash table, in a handful of small reads: what `journalctl FIELD=value` does,
 * without the fork. Layout: https://systemd.io/JOURNAL_FILE_FORMAT ("Data Objects", "Entry Objects", "Entry Array Objects").
 */

/** Incompatible flags of the header: hashes keyed by the file id (since 246), 32-bit offsets (since 252). */
export const KEYED_HASH = 4
const COMPACT = 16
/** Object flags: the payload is compressed by XZ, LZ4 or zstd. Short ones never are. */
const COMPRESSED = 7
/** Longest field that is read: `COREDUMP_FILENAME=` and a path. Longer ones are cut, so not found. */
const FIELD_BYTES = 1024
const OBJECT_HEADER = 16
/** Offsets that are read of one array or entry: 16,000 at least, more than a file of crashes or a crash has. */
const MOST_ITEM_BYTES = 128 * 1024

/** A field's name and value, for each field that was asked for and is there. */
export type Entry = ReadonlyMap<string, string>

/**
 * The newest entries of an open journal file with exactly this field (`MESSAGE_ID=…`), at most `most` of them, each with
 * those of its `fields` that are short. None where the file's hashes are of the old kind. Throws where the file is damaged.
 */
export async function findEntries(
  handle: FileHandle,
  field: string,
  fields: readonly string[],
  most: number,
  signal: AbortSignal,
): Promise<readonly Entry[]> {
  const read = async (at: number, length: number) => {
    const buffer = Buffer.alloc(length)
    const { bytesRead } = await abandonable(handle.read(buffer, 0, length, at), signal)
    return buffer.subarray(0, bytesRead)
  }
  const header = await read(0, 120)
  const flags = header.readUInt32LE(12)
  if ((flags & KEYED_HASH) === 0) return []
  const compact = (flags & COMPACT) !== 0
  const payloadAt = compact ? 72 : 64
  const wanted = Buffer.from(field)
  const hash = siphash24(wanted, header.subarray(24, 40))
  const buckets = header.readBigUInt64LE(112) / 16n
  if (buckets === 0n) return []
  const bucket = await read(word(header, 104) + Number(hash % buckets) * 16, 8)

  async function data(at: number): Promise<{ object: Buffer; payload: Buffer }> {
    const object = await read(at, payloadAt + FIELD_BYTES)
    return { object, payload: object.subarray(payloadAt, Math.min(word(object, 8), object.length)) }
  }

  let found: Buffer | undefined
  for (let at = word(bucket, 0); at !== 0 && found === undefined; ) {
    const { object, payload } = await data(at)
    if (object.readBigUInt64LE(16) === hash && payload.equals(wanted)) found = object
    at = onward(at, word(object, 24))
  }
  if (found === undefined) return []

  // The first entry is named in the object, the others in a chain of arrays: the last arrays hold the newest.
  const offsets = [word(found, 40)]
  for (let at = word(found, 48); at !== 0; ) {
    const array = await read(at, 24)
    const items = await read(at + 24, Math.min(word(array, 8) - 24, MOST_ITEM_BYTES))
    for (let i = 0; i < items.length; i += compact ? 4 : 8)
      offsets.push(compact ? items.readUInt32LE(i) : word(items, i))
    at = onward(at, word(array, 16))
  }

  const entries: Entry[] = []
  for (const at of offsets.filter((offset) => offset !== 0).slice(-most)) {
    const size = word(await read(at, OBJECT_HEADER), 8)
    const items = await read(at + 64, Math.min(size - 64, MOST_ITEM_BYTES))
    const entry = new Map<string, string>()
    for (let i = 0; i < items.length; i += compact ? 4 : 16) {
      const { object, payload } = await data(compact ? items.readUInt32LE(i) : word(items, i))
      const [, name, value] = /^([A-Z_]+)=(.*)$/s.exec(payload.toString('utf8')) ?? []
      const isWhole = word(object, 8) <= payloadAt + FIELD_BYTES && ((object[1] ?? 0) & COMPRESSED) === 0
      if (name !== undefined && value !== undefined && isWhole && fields.includes(name)) entry.set(name, value)
    }
    entries.push(entry)
  }
  return entries
}

/** A 64-bit number, as all offsets and sizes are. */
export const word = (buffer: Buffer, at: number) => Number(buffer.readBigUInt64LE(at))

/** Objects are only ever appended, so chains lead onward; a damaged one could lead round in a circle. */
export function onward(from: number, to: number): number {
  if (to !== 0 && to <= from) throw new Error(`the journal file is damaged: a chain leads back from ${from} to ${to}`)
  return to
}
