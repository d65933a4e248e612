import { zstdCompressSync } from 'node:zlib'
import { siphash24 } from '../../../../agent/collector/host/journal/siphash.ts'

/** An entry: `NAME=value`, those that journald sets itself (`_UID=1000`) too. */
export type Fields = readonly string[]

const HEADER = 256
const BUCKETS = 1024
const [DATA, FIELD, ENTRY, DATA_TABLE, FIELD_TABLE, ARRAY] = [1, 2, 3, 4, 5, 6] as const
const KEYED_HASH = 4
const ZSTD = 8
const OBJECT_ZSTD = 4
/** Bytes of a value that is compressed: systemd's DEFAULT_COMPRESS_THRESHOLD. */
const LONG = 512
const ARCHIVED = 2
/** µs since the epoch of the first entry, where nobody says; each is a second after the one before. */
const BEGAN = 1_700_000_000_000_000

/**
 * A journal file as journald writes it (https://systemd.io/JOURNAL_FILE_FORMAT, regular, keyed hashes, archived), whose trusted
 * fields say what the test wants. `journalctl --file` opens it.
 */
export function writeJournal(
  entries: readonly Fields[],
  boot = '33333333333343338333333333333333',
  isPacked = false,
  fileId = 'f11e'.repeat(8),
  began = BEGAN,
): Buffer {
  let file = Buffer.alloc(1024 * 1024)
  let end = HEADER
  const count = { objects: 0, data: 0, fields: 0, arrays: 0 }

  function add(type: number, length: number): number {
    const at = Math.ceil(end / 8) * 8
    end = at + length
    while (end > file.length) file = Buffer.concat([file, Buffer.alloc(file.length)])
    file[at] = type
    put(at + 8, length)
    count.objects++
    return at
  }
  const put = (at: number, value: number | bigint) => file.writeBigUInt64LE(BigInt(value), at)
  const get = (at: number) => Number(file.readBigUInt64LE(at))

  Buffer.from('LPKSHHRH').copy(file)
  file.writeUInt32LE(KEYED_HASH | (isPacked ? ZSTD : 0), 12)
  file[16] = ARCHIVED
  for (const [at, id] of [
    [24, fileId],
    [40, '0123456789abcdef'.repeat(2)],
    [56, boot],
    [72, 'f11e'.repeat(8)],
  ] as const)
    Buffer.from(id, 'hex').copy(file, at)
  const key = Buffer.from(file.subarray(24, 40))
  const tables = [DATA_TABLE, FIELD_TABLE].map((type) => add(type, 16 + BUCKETS * 16) + 16)
  const [dataTable = 0, fieldTable = 0] = tables

  /** Appends an object to the chain of its hash. */
  function link(table: number, hash: bigint, at: number): void {
    const bucket = table + Number(hash % BigInt(BUCKETS)) * 16
    put(at + 16, hash)
    if (get(bucket) === 0) put(bucket, at)
    else put(get(bucket + 8) + 24, at)
    put(bucket + 8, at)
  }

  const fields = new Map<string, number>()
  const values = new Map<string, { at: number; hash: bigint; entries: number[] }>()
  function appended(text: string) {
    const known = values.get(text)
    if (known !== undefined) return known
    const payload = Buffer.from(text)
    const isLong = isPacked && payload.length >= LONG
    const kept = isLong ? zstdCompressSync(payload) : payload
    const at = add(DATA, 64 + kept.length)
    if (isLong) file[at + 1] = OBJECT_ZSTD
    kept.copy(file, at + 64)
    const hash = siphash24(payload, key)
    link(dataTable, hash, at)
    const name = text.slice(0, text.indexOf('='))
    let field = fields.get(name)
    if (field === undefined) {
      field = add(FIELD, 40 + name.length)
      file.write(name, field + 40)
      link(fieldTable, siphash24(Buffer.from(name), key), field)
      fields.set(name, field)
      count.fields++
    }
    put(at + 32, get(field + 32))
    put(field + 32, at)
    count.data++
    const value = { at, hash, entries: [] }
    values.set(text, value)
    return value
  }

  const written: number[] = []
  for (const [number, texts] of entries.entries()) {
    const items = [...new Set(texts)].map(appended).sort((a, b) => a.at - b.at)
    const at = add(ENTRY, 64 + items.length * 16)
    put(at + 16, number + 1)
    put(at + 24, began + number * 1_000_000)
    put(at + 32, number * 1_000_000)
    Buffer.from(boot, 'hex').copy(file, at + 40)
    for (const [index, { at: value, hash, entries: of }] of items.entries()) {
      put(at + 64 + index * 16, value)
      put(at + 72 + index * 16, hash)
      of.push(at)
    }
    written.push(at)
  }

  function array(offsets: readonly number[]): number {
    if (offsets.length === 0) return 0
    const at = add(ARRAY, 24 + offsets.length * 8)
    for (const [index, offset] of offsets.entries()) put(at + 24 + index * 8, offset)
    count.arrays++
    return at
  }
  for (const { at, entries: of } of values.values()) {
    put(at + 40, of[0] ?? 0)
    put(at + 48, array(of.slice(1)))
    put(at + 56, of.length)
  }
  const all = array(written)
  const last = written.at(-1) ?? 0
  const numbers: readonly (readonly [number, number])[] = [
    [88, HEADER],
    [96, Math.ceil(end / 8) * 8 - HEADER],
    [104, dataTable],
    [112, BUCKETS * 16],
    [120, fieldTable],
    [128, BUCKETS * 16],
    [136, all || last],
    [144, count.objects],
    [152, written.length],
    [160, written.length],
    [168, 1],
    [176, all],
    [184, began],
    [192, began + (written.length - 1) * 1_000_000],
    [200, (written.length - 1) * 1_000_000],
    [208, count.data],
    [216, count.fields],
    [232, count.arrays],
  ]
  for (const [at, number] of numbers) put(at, number)
  return Buffer.from(file.subarray(0, Math.ceil(end / 8) * 8))
}

/** What journald says of a sender, by its unit and user. */
export const from = (unit: string | undefined, uid: number): Fields => [
  '_TRANSPORT=journal',
  `_UID=${uid}`,
  ...(unit === undefined ? [] : [`_SYSTEMD_UNIT=${unit}`]),
]

/** The unit that processes a crash: for each a new one. */
export const coredumpUnit = (pid: number): string => `systemd-coredump@${pid}-${pid}-0.service`

/** What systemd-coredump logs of a crash, as far as it is looked at. */
export const crash = (pid: number, more: Fields = []): Fields => [
  'MESSAGE_ID=fc2e22bc6ee647b6b90729ab34a250b1',
  `MESSAGE=Process ${pid} (app) of user 998 dumped core.`,
  `COREDUMP_PID=${pid}`,
  `COREDUMP_UNIT=app@${pid}.service`,
  ...(more.some((field) => field.startsWith('COREDUMP_SIGNAL=')) ? [] : ['COREDUMP_SIGNAL=11']),
  'COREDUMP_EXE=/usr/bin/app',
  `COREDUMP_FILENAME=/var/lib/systemd/coredump/core.app.998.33333333333343338333333333333333.${pid}.1700000000000000.zst`,
  ...more,
]
