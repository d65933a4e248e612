import type { Machine } from './machine.ts'

/** A stretch of memory in a core. What lies behind its stored bytes reads as zeros. */
export interface Segment {
  readonly start: number
  readonly end: number
  /** Bytes from `start` on that are in the core. */
  readonly stored: number
  /** `rwxp` of its mapping. */
  readonly permissions: string
  /** Place in the file: lower ones first. In the program headers the order is that of addresses. */
  readonly rank: number
}

export interface Layout {
  /** Headers and notes: what comes before the first stored byte. */
  readonly head: Buffer
  /** Segments with stored bytes, in the order of the file; they follow each other without gaps. */
  readonly order: readonly Segment[]
  /** Bytes of the whole core. */
  readonly bytes: number
}

const HEADER = 64
const PROGRAM_HEADER = 56
const SECTION_HEADER = 64
const ET_CORE = 4
const PT_LOAD = 1
const PT_NOTE = 4
/** As many program headers or more are counted in section header 0: elf(5). */
const PN_XNUM = 0xffff

/** Lays a core out: ELF header, program headers (notes first, then memory by address), notes, stored memory by rank. */
export function layOut(machine: Machine, pageSize: number, notes: Buffer, segments: readonly Segment[]): Layout {
  const byAddress = segments.toSorted((a, b) => a.start - b.start)
  const count = byAddress.length + 1
  const section = count >= PN_XNUM ? HEADER + count * PROGRAM_HEADER : 0
  const notesAt = HEADER + count * PROGRAM_HEADER + (section > 0 ? SECTION_HEADER : 0)
  const head = Buffer.alloc(Math.ceil((notesAt + notes.length) / pageSize) * pageSize)
  writeHeader(head, machine, count, section)
  notes.copy(head, notesAt)
  writeProgramHeader(head, 0, {
    type: PT_NOTE,
    offset: notesAt,
    address: 0,
    stored: notes.length,
    size: 0,
    flags: 0,
    align: 4,
  })

  const order = byAddress.filter(({ stored }) => stored > 0).sort((a, b) => a.rank - b.rank || a.start - b.start)
  const offsets = new Map<Segment, number>()
  let offset = head.length
  for (const segment of order) {
    offsets.set(segment, offset)
    offset += segment.stored
  }
  for (const [index, segment] of byAddress.entries()) {
    const { start: address, end, stored, permissions } = segment
    const place = { type: PT_LOAD, offset: offsets.get(segment) ?? offset, address, stored, size: end - address }
    writeProgramHeader(head, index + 1, { ...place, flags: flagsOf(permissions), align: pageSize })
  }
  return { head, order, bytes: offset }
}

function writeHeader(head: Buffer, machine: Machine, count: number, section: number): void {
  // Magic, 64-bit, little-endian, version 1.
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1], 0)
  head.writeUInt16LE(ET_CORE, 16)
  head.writeUInt16LE(machine.elf, 18)
  head.writeUInt32LE(1, 20)
  head.writeBigUInt64LE(BigInt(HEADER), 32)
  head.writeBigUInt64LE(BigInt(section), 40)
  head.writeUInt16LE(HEADER, 52)
  head.writeUInt16LE(PROGRAM_HEADER, 54)
  head.writeUInt16LE(Math.min(count, PN_XNUM), 56)
  if (section === 0) return
  head.writeUInt16LE(SECTION_HEADER, 58)
  head.writeUInt16LE(1, 60)
  head.writeBigUInt64LE(1n, section + 32)
  head.writeUInt32LE(count, section + 44)
}

interface ProgramHeader {
  readonly type: number
  readonly offset: number
  readonly address: number
  readonly stored: number
  readonly size: number
  readonly flags: number
  readonly align: number
}

function writeProgramHeader(head: Buffer, index: number, header: ProgramHeader): void {
  const at = HEADER + index * PROGRAM_HEADER
  head.writeUInt32LE(header.type, at)
  head.writeUInt32LE(header.flags, at + 4)
  head.writeBigUInt64LE(BigInt(header.offset), at + 8)
  head.writeBigUInt64LE(BigInt(header.address), at + 16)
  head.writeBigUInt64LE(BigInt(header.stored), at + 32)
  head.writeBigUInt64LE(BigInt(header.size), at + 40)
  head.writeBigUInt64LE(BigInt(header.align), at + 48)
}

const flagsOf = (permissions: string) =>
  (permissions[0] === 'r' ? 4 : 0) | (permissions[1] === 'w' ? 2 : 0) | (permissions[2] === 'x' ? 1 : 0)
