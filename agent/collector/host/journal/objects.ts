import { zstdDecompressSync } from 'node:zlib'
import type { OwnedFile } from '../owned-file.ts'
import { siphash24 } from './siphash.ts'

/**
 * Reads the objects of a journal file, found by the file's own hash tables: what `journalctl FIELD=value` does, without the
 * fork. Layout: https://systemd.io/JOURNAL_FILE_FORMAT ("Data Objects", "Field Objects", "Entry Objects", "Entry Array Objects").
 */

/** Incompatible flags of the header: XZ 1, LZ4 2, hashes keyed by the file id (since 246) 4, zstd 8, 32-bit offsets (252) 16. */
const KEYED_HASH = 4
const COMPACT = 16
/** Of a format to come (after systemd 260) nothing is known. */
const KNOWN_FLAGS = 0x1f
/** Object flags: the payload is compressed by XZ, LZ4 or zstd. Short ones never are. */
const COMPRESSED = 7
const ZSTD = 4
/** In the header: entry_array_offset. */
const ENTRY_ARRAY_AT = 176
const [FIELD_OBJECT, FIELD_HEADER, ENTRY_HEADER, ARRAY_HEADER] = [2, 40, 64, 24]
/** Longest field that is read: `COREDUMP_FILENAME=` and a path. Of a longer one there is only the name. */
const FIELD_BYTES = 1024
/** Offsets that are read of one array or entry: 16,000 at least, more than a file of crashes or a crash has. */
const MOST_ITEM_BYTES = 128 * 1024
/** Objects in one bucket of a hash table (1023 by default, of fields) that are looked at: of a file with more, one cannot say. */
const MOST_IN_BUCKET = 1000
/** Objects that are looked for lie side by side: so much is read at once, and so many such pieces are kept. */
const PIECE_BYTES = 16 * 1024
const PIECES = 32

/** A DATA object: one value of one field, stored once for all entries that have it. */
export interface Value {
  readonly at: number
  /** `NAME=value`; undefined where it is long, and so perhaps compressed. */
  readonly text: string | undefined
  readonly entries: number
  readonly object: Buffer
}

/** A look into an open journal file: what it has read it does not read again. */
export class JournalObjects {
  readonly #handle: OwnedFile
  readonly #signal: AbortSignal
  readonly #pieces = new Map<number, Buffer>()
  readonly #key: Buffer
  readonly #compact: boolean
  readonly #data: Table
  readonly #fields: Table

  private constructor(handle: OwnedFile, header: Buffer, signal: AbortSignal) {
    this.#handle = handle
    this.#signal = signal
    this.#key = header.subarray(24, 40)
    this.#compact = (header.readUInt32LE(12) & COMPACT) !== 0
    this.#data = { at: word(header, 104), buckets: header.readBigUInt64LE(112) / 16n }
    this.#fields = { at: word(header, 120), buckets: header.readBigUInt64LE(128) / 16n }
  }

  /** Throws for a file whose hashes or flags are of another kind than is known here. */
  static async of(handle: OwnedFile, signal: AbortSignal): Promise<JournalObjects> {
    const header = Buffer.alloc(136)
    await handle.read(header, 0, signal)
    const flags = header.readUInt32LE(12)
    if ((flags & KEYED_HASH) === 0 || (flags & ~KNOWN_FLAGS) !== 0) throw new Error(`unknown hashes: flags ${flags}`)
    return new JournalObjects(handle, header, signal)
  }

  /** The value that is exactly this (`NAME=value`), where any entry has it. */
  async find(text: string): Promise<Value | undefined> {
    const wanted = Buffer.from(text)
    for await (const at of this.#bucket(this.#data, wanted)) {
      const value = await this.value(at)
      if (value.text === text) return value
    }
    return undefined
  }

  /** All values of a field, the newest first; at most `most`: then throws. */
  async *values(name: string, most: number): AsyncGenerator<Value, void, void> {
    let count = 0
    for (let at = (await this.#field(name))?.newest ?? 0; at !== 0; ) {
      if (++count > most) throw new Error(`more than ${most} values of ${name}`)
      const value = await this.value(at)
      yield value
      // Each is linked in front of those that were there before.
      const next = word(value.object, 32)
      if (next >= at) throw new Error(`the journal file is damaged: a chain leads on from ${at} to ${next}`)
      at = next
    }
  }

  /** Whether any entry has this field, or is about to. */
  async hasField(name: string): Promise<boolean> {
    return (await this.#field(name)) !== undefined
  }

  async value(at: number): Promise<Value> {
    const payloadAt = this.#compact ? 72 : 64
    const object = await this.#read(at, payloadAt + FIELD_BYTES)
    if (object.length < payloadAt) throw new Error(`the journal file is damaged: it ends in the value at ${at}`)
    const end = word(object, 8)
    const isWhole = end <= object.length && ((object[1] ?? 0) & COMPRESSED) === 0
    const text = isWhole ? object.toString('utf8', payloadAt, end) : undefined
    return { at, text, entries: word(object, 56), object }
  }

  /** A value of any length up to `most` bytes as text; undefined where it is longer, or compressed in a way that Node has not. */
  async longText({ at, object }: Value, most: number): Promise<string | undefined> {
    const payloadAt = this.#compact ? 72 : 64
    const end = word(object, 8)
    if (end < payloadAt || end > payloadAt + most) return undefined
    const payload = (await this.#read(at, end)).subarray(payloadAt)
    const compression = (object[1] ?? 0) & COMPRESSED
    if (compression === 0) return payload.toString('utf8')
    if (compression !== ZSTD) return undefined
    try {
      return zstdDecompressSync(payload, { maxOutputLength: most }).toString('utf8')
    } catch {
      // Longer than that, or damaged: it costs itself.
      return undefined
    }
  }

  /** Where the entries are that have a value, oldest first: a piece of their list at a time. */
  async *entriesOf({ object, entries }: Value): AsyncGenerator<readonly number[], void, void> {
    // The first one is named in the object, the others in a chain of arrays, which may have room left.
    if (entries > 0) yield [word(object, 40)]
    for (let at = word(object, 48); at !== 0; ) {
      const array = await this.#read(at, ARRAY_HEADER)
      const size = this.#compact ? 4 : 8
      const items = await this.#read(at + ARRAY_HEADER, Math.min(word(array, 8) - ARRAY_HEADER, MOST_ITEM_BYTES))
      yield offsets(items, size).filter((offset) => offset !== 0)
      at = onward(at, word(array, 16))
    }
  }

  /** Where the newest entries are, the oldest of them first; at most `most`. */
  async newest(most: number): Promise<readonly number[]> {
    const arrays: { readonly at: number; readonly length: number }[] = []
    // Of the header: where the first array of all entries is, which names the next one, and so on.
    for (let at = word(await this.#read(ENTRY_ARRAY_AT, 8), 0); at !== 0; ) {
      const array = await this.#read(at, ARRAY_HEADER)
      arrays.push({ at: at + ARRAY_HEADER, length: word(array, 8) - ARRAY_HEADER })
      at = onward(at, word(array, 16))
    }
    const size = this.#compact ? 4 : 8
    let entries: readonly number[] = []
    for (const { at, length } of arrays.toReversed()) {
      // The last one has room left, and may be long: its end in use is looked for.
      const used = await this.#usedOf(at, length, size)
      const from = Math.max(0, used - (most - entries.length) * size)
      entries = [...offsets(await this.#read(at + from, used - from), size), ...entries]
      if (entries.length >= most) break
    }
    return entries
  }

  /** Bytes of an array that are in use: its items are filled one after the other. */
  async #usedOf(at: number, length: number, size: 4 | 8): Promise<number> {
    let [least, most] = [0, Math.floor(length / size)]
    while (least < most) {
      const middle = Math.floor((least + most) / 2)
      const [item = 0] = offsets(await this.#read(at + middle * size, size), size)
      if (item === 0) most = middle
      else least = middle + 1
    }
    return least * size
  }

  /** Where the values of an entry are. */
  async itemsOf(entry: number): Promise<readonly number[]> {
    const size = word(await this.#read(entry, ENTRY_HEADER), 8)
    const items = await this.#read(entry + ENTRY_HEADER, Math.min(size - ENTRY_HEADER, MOST_ITEM_BYTES))
    return offsets(items, this.#compact ? 4 : 16)
  }

  /** When an entry was written (ms since the epoch), and in which boot. */
  async stampOf(entry: number): Promise<{ readonly at: number; readonly bootId: string }> {
    const head = await this.#read(entry, ENTRY_HEADER)
    if (head.length < ENTRY_HEADER) throw new Error(`the journal file is damaged: it ends in the entry at ${entry}`)
    return { at: Math.floor(word(head, 24) / 1000), bootId: head.toString('hex', 40, 56) }
  }

  async #field(name: string): Promise<{ readonly newest: number } | undefined> {
    const wanted = Buffer.from(name)
    for await (const at of this.#bucket(this.#fields, wanted)) {
      const object = await this.#read(at, FIELD_HEADER + wanted.length)
      if (object[0] !== FIELD_OBJECT) throw new Error(`no field is at ${at}`)
      const isNamed = word(object, 8) === FIELD_HEADER + wanted.length && object.subarray(FIELD_HEADER).equals(wanted)
      if (isNamed) return { newest: word(object, 32) }
    }
    return undefined
  }

  async *#bucket({ at, buckets }: Table, wanted: Buffer): AsyncGenerator<number, void, void> {
    const hash = siphash24(wanted, this.#key)
    if (buckets === 0n) throw new Error('the journal file has no hash table')
    const bucket = await this.#read(at + Number(hash % buckets) * 16, 8)
    let looked = 0
    for (let object = word(bucket, 0); object !== 0; ) {
      if (++looked > MOST_IN_BUCKET) throw new Error(`more than ${MOST_IN_BUCKET} objects are in one bucket`)
      const head = await this.#read(object, 32)
      if (head.readBigUInt64LE(16) === hash) yield object
      object = onward(object, word(head, 24))
    }
  }

  async #read(at: number, length: number): Promise<Buffer> {
    const first = Math.floor(at / PIECE_BYTES)
    const last = Math.floor((at + length - 1) / PIECE_BYTES)
    const pieces: Buffer[] = []
    for (let number = first; number <= last; number++) pieces.push(await this.#piece(number))
    const from = at - first * PIECE_BYTES
    const bytes = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces)
    return bytes.subarray(from, from + length)
  }

  async #piece(number: number): Promise<Buffer> {
    const known = this.#pieces.get(number)
    if (known !== undefined) return known
    const buffer = Buffer.allocUnsafeSlow(PIECE_BYTES)
    const piece = buffer.subarray(0, await this.#handle.read(buffer, number * PIECE_BYTES, this.#signal))
    const [oldest] = this.#pieces.keys()
    if (this.#pieces.size === PIECES && oldest !== undefined) this.#pieces.delete(oldest)
    this.#pieces.set(number, piece)
    return piece
  }
}

interface Table {
  readonly at: number
  readonly buckets: bigint
}

function offsets(items: Buffer, size: 4 | 8 | 16): readonly number[] {
  const all: number[] = []
  for (let at = 0; at + size <= items.length; at += size)
    all.push(size === 4 ? items.readUInt32LE(at) : word(items, at))
  return all
}

/** A 64-bit number, as all offsets and sizes are. */
const word = (buffer: Buffer, at: number) => Number(buffer.readBigUInt64LE(at))

/** Objects are only ever appended, so chains lead onward; a damaged one could lead round in a circle. */
function onward(from: number, to: number): number {
  if (to !== 0 && to <= from) throw new Error(`the journal file is damaged: a chain leads back from ${from} to ${to}`)
  return to
}
