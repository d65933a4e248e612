import { numbersOf } from './numbers.ts'

/** Bytes of the headers of a 64-bit ELF file: elf(5). */
export const HEADER = 64
export const PROGRAM_HEADER = 56
export const SECTION_HEADER = 64
export const PT_LOAD = 1
export const PT_NOTE = 4
export const ET_CORE = 4
/** As many program headers or more are counted in section header 0: elf(5). */
export const PN_XNUM = 0xffff

/** Bytes that come before the notes: the ELF header, `count` program headers, and the section header that counts very many. */
export function headersBytes(count: number): number {
  return HEADER + count * PROGRAM_HEADER + (count >= PN_XNUM ? SECTION_HEADER : 0)
}

/** Writes the ELF header of a core file for `machine` (e_machine), little-endian, with `count` program headers behind it. */
export function writeElfHeader(head: Buffer, machine: number, count: number): void {
  // Magic, 64-bit, little-endian, version 1.
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1], 0)
  head.writeUInt16LE(ET_CORE, 16)
  head.writeUInt16LE(machine, 18)
  head.writeUInt32LE(1, 20)
  head.writeBigUInt64LE(BigInt(HEADER), 32)
  head.writeUInt16LE(HEADER, 52)
  head.writeUInt16LE(PROGRAM_HEADER, 54)
  head.writeUInt16LE(Math.min(count, PN_XNUM), 56)
  if (count < PN_XNUM) return
  const section = HEADER + count * PROGRAM_HEADER
  head.writeBigUInt64LE(BigInt(section), 40)
  head.writeUInt16LE(SECTION_HEADER, 58)
  head.writeUInt16LE(1, 60)
  head.writeBigUInt64LE(1n, section + 32)
  head.writeUInt32LE(count, section + 44)
}

/** Where the program headers of a file lie, and how many there are. */
export interface ProgramTable {
  /** e_machine */
  readonly machine: number
  readonly offset: number
  readonly count: number
}

/** What the header of a 64-bit little-endian ELF file says of its program headers; undefined for any other file. */
export function programTable(head: Buffer): ProgramTable | undefined {
  const numbers = numbersOf(head)
  if (numbers === undefined || !numbers.isWide || !numbers.isLittle || head.length < HEADER) return undefined
  if (head.readUInt16LE(54) !== PROGRAM_HEADER) return undefined
  return {
    machine: head.readUInt16LE(18),
    offset: Number(head.readBigUInt64LE(32)),
    count: head.readUInt16LE(56),
  }
}

/** A program header as it stands in a file: places may be anything, beyond 2^53 too. */
export interface PlacedHeader {
  readonly type: number
  readonly offset: bigint
  readonly address: bigint
  readonly physical: bigint
  /** Bytes in the file. */
  readonly stored: number
  /** Bytes in memory. */
  readonly size: number
}

/** The program headers in a table of them, 64-bit little-endian, as far as they are there. */
export function* programHeaders(table: Buffer): Generator<PlacedHeader, void, void> {
  for (let at = 0; at + PROGRAM_HEADER <= table.length; at += PROGRAM_HEADER) {
    yield {
      type: table.readUInt32LE(at),
      offset: table.readBigUInt64LE(at + 8),
      address: table.readBigUInt64LE(at + 16),
      physical: table.readBigUInt64LE(at + 24),
      stored: Number(table.readBigUInt64LE(at + 32)),
      size: Number(table.readBigUInt64LE(at + 40)),
    }
  }
}

/** A stretch of a file, in bytes. */
export interface Stretch {
  readonly offset: number
  readonly size: number
}

/** Where the notes lie that a table of program headers names. */
export function notePlaces(table: Buffer): readonly Stretch[] {
  const notes = [...programHeaders(table)].filter(({ type }) => type === PT_NOTE)
  return notes.map(({ offset, stored }) => ({ offset: Number(offset), size: stored }))
}

/** Elf64_Phdr: sizes and offsets in bytes. */
export interface ProgramHeader {
  readonly type: number
  readonly flags: number
  readonly offset: number
  readonly address: bigint
  readonly physical: number
  /** Bytes in the file. */
  readonly stored: number
  /** Bytes in memory. */
  readonly size: number
  readonly align: number
}

/** Writes the program header at `index`, behind the ELF header. */
export function writeProgramHeader(head: Buffer, index: number, header: ProgramHeader): void {
  const at = HEADER + index * PROGRAM_HEADER
  head.writeUInt32LE(header.type, at)
  head.writeUInt32LE(header.flags, at + 4)
  head.writeBigUInt64LE(BigInt(header.offset), at + 8)
  head.writeBigUInt64LE(header.address, at + 16)
  head.writeBigUInt64LE(BigInt(header.physical), at + 24)
  head.writeBigUInt64LE(BigInt(header.stored), at + 32)
  head.writeBigUInt64LE(BigInt(header.size), at + 40)
  head.writeBigUInt64LE(BigInt(header.align), at + 48)
}

/** The program header of notes that lie at `offset`, `bytes` of them. */
export function noteHeader(offset: number, bytes: number, align: number): ProgramHeader {
  return { type: PT_NOTE, flags: 0, offset, address: 0n, physical: 0, stored: bytes, size: 0, align }
}
