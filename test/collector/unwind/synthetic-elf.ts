import { writeElfHeader, writeProgramHeader } from '../../../agent/collector/elf/headers.ts'

/** A function of a made-up program, and how its frame changes: call frame instructions behind `def_cfa rsp, 8; offset ra, 1`. */
export interface MadeFunction {
  readonly start: number
  readonly size: number
  readonly instructions?: readonly number[]
  readonly isSignal?: boolean
}

export interface MadeElf {
  readonly machine?: number
  readonly functions?: readonly MadeFunction[]
  /** The search table: in order, not in order, or none. */
  readonly table?: 'sorted' | 'unsorted' | 'none'
  /** Bytes at some addresses: code. */
  readonly code?: Readonly<Record<number, readonly number[]>>
  /** Further sections. */
  readonly sections?: Readonly<Record<string, Buffer>>
}

const FRAMES = 0x8000
const TABLE = 0xa000
const MORE = 0xb000
const SIZE = 0x20000
const PT_GNU_EH_FRAME = 0x6474e550

/** A program of 128 KiB, addresses as in the file: code below 0x8000, then call frame information, its search table, further sections. */
export function elfOf({ machine = 62, functions = [], table = 'sorted', code = {}, sections = {} }: MadeElf): Buffer {
  const file = Buffer.alloc(SIZE)
  const count = table === 'none' ? 1 : 2
  writeElfHeader(file, machine, count)
  file.writeUInt16LE(3, 16)
  const load = { offset: 0, address: 0n, physical: 0, stored: SIZE, size: SIZE, align: 4096 }
  writeProgramHeader(file, 0, { ...load, type: 1, flags: 5 })
  if (count === 2) {
    writeProgramHeader(file, 1, { ...load, type: PT_GNU_EH_FRAME, flags: 4, offset: TABLE, address: BigInt(TABLE) })
  }
  for (const [at, bytes] of Object.entries(code)) file.set(bytes, Number(at))

  const entries = functions.map((one) => ({ ...one, entry: 0 }))
  let at = FRAMES
  const write = (bytes: readonly number[]) => {
    file.writeUInt32LE(bytes.length, at)
    file.set(bytes, at + 4)
    at += 4 + bytes.length
  }
  for (const one of entries) {
    const common = at
    // Version, "zR" or "zRS", code 1, data -8, return address 16, pcrel sdata4.
    const letters = one.isSignal === true ? [0x7a, 0x52, 0x53] : [0x7a, 0x52]
    write([0, 0, 0, 0, 1, ...letters, 0, 1, 0x78, 16, 1, 0x1b, 0x0c, 7, 8, 0x90, 1])
    one.entry = at
    const numbers = Buffer.alloc(12)
    numbers.writeUInt32LE(at + 4 - common, 0)
    numbers.writeInt32LE(one.start - (at + 8), 4)
    numbers.writeInt32LE(one.size, 8)
    write([...numbers, 0, ...(one.instructions ?? [])])
  }
  file.writeUInt32LE(0, at)

  file.set([1, 0x1b, 0x03, 0x3b], TABLE)
  file.writeInt32LE(FRAMES - (TABLE + 4), TABLE + 4)
  file.writeUInt32LE(entries.length, TABLE + 8)
  const sorted = entries.toSorted((a, b) => (table === 'unsorted' ? b.start - a.start : a.start - b.start))
  for (const [index, { start, entry }] of sorted.entries()) {
    file.writeInt32LE(start - TABLE, TABLE + 12 + index * 8)
    file.writeInt32LE(entry - TABLE, TABLE + 16 + index * 8)
  }
  writeSections(
    file,
    { '.text': { at: 0x1000, size: 0x7000 }, '.eh_frame': { at: FRAMES, size: at + 4 - FRAMES } },
    sections,
  )
  return file
}

function writeSections(
  file: Buffer,
  known: Readonly<Record<string, { at: number; size: number }>>,
  more: Readonly<Record<string, Buffer>>,
): void {
  const places = { ...known }
  let next = MORE
  for (const [name, content] of Object.entries(more)) {
    file.set(content, next)
    places[name] = { at: next, size: content.length }
    next += Math.ceil(content.length / 16) * 16
  }
  const names = Object.keys(places)
  const strings = Buffer.from(`\0.shstrtab\0${names.join('\0')}\0`)
  const headers = SIZE - 64 * (names.length + 2)
  const stringsAt = headers - 4096
  file.set(strings, stringsAt)
  const write = (index: number, name: string, at: number, size: number) => {
    const header = headers + index * 64
    file.writeUInt32LE(strings.indexOf(`\0${name}\0`) + 1, header)
    file.writeUInt32LE(1, header + 4)
    file.writeBigUInt64LE(BigInt(at), header + 16)
    file.writeBigUInt64LE(BigInt(at), header + 24)
    file.writeBigUInt64LE(BigInt(size), header + 32)
  }
  write(1, '.shstrtab', stringsAt, strings.length)
  for (const [index, name] of names.entries()) write(index + 2, name, places[name]?.at ?? 0, places[name]?.size ?? 0)
  file.writeBigUInt64LE(BigInt(headers), 40)
  file.writeUInt16LE(64, 58)
  file.writeUInt16LE(names.length + 2, 60)
  file.writeUInt16LE(1, 62)
}
