import { headersBytes, noteHeader, PT_LOAD, writeElfHeader, writeProgramHeader } from '../elf/headers.ts'
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

/** Lays a core out: ELF header, program headers (notes first, then memory by address), notes, stored memory by rank. */
export function layOut(machine: Machine, pageSize: number, notes: Buffer, segments: readonly Segment[]): Layout {
  const byAddress = segments.toSorted((a, b) => a.start - b.start)
  const count = byAddress.length + 1
  const notesAt = headersBytes(count)
  const head = Buffer.alloc(Math.ceil((notesAt + notes.length) / pageSize) * pageSize)
  writeElfHeader(head, machine.elf, count)
  notes.copy(head, notesAt)
  writeProgramHeader(head, 0, noteHeader(notesAt, notes.length, 4))

  const order = byAddress.filter(({ stored }) => stored > 0).sort((a, b) => a.rank - b.rank || a.start - b.start)
  const offsets = new Map<Segment, number>()
  let offset = head.length
  for (const segment of order) {
    offsets.set(segment, offset)
    offset += segment.stored
  }
  for (const [index, segment] of byAddress.entries()) {
    const { start, end, stored, permissions } = segment
    writeProgramHeader(head, index + 1, {
      type: PT_LOAD,
      flags: flagsOf(permissions),
      offset: offsets.get(segment) ?? offset,
      address: BigInt(start),
      physical: 0,
      stored,
      size: end - start,
      align: pageSize,
    })
  }
  return { head, order, bytes: offset }
}

const flagsOf = (permissions: string) =>
  (permissions[0] === 'r' ? 4 : 0) | (permissions[1] === 'w' ? 2 : 0) | (permissions[2] === 'x' ? 1 : 0)
