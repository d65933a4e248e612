import { headersBytes, noteHeader, PT_LOAD, writeElfHeader, writeProgramHeader } from '../elf/headers.ts'
import { NT_PRSTATUS, writeNote } from '../elf/notes.ts'
import type { PhysicalRange } from './iomem.ts'
import type { KcoreMap, Mapping } from './kcore-map.ts'
import type { Run } from './runs.ts'

/** How a snapshot lies in its file: VMCORE.md. */
export interface Layout {
  /** ELF header, program headers and notes, padded to a whole page. */
  readonly head: Buffer
  /** In the order of the file; they follow each other without gaps, the first one behind `head`. */
  readonly order: readonly Run[]
  /** Bytes of the whole file. */
  readonly bytes: number
}

const READ_WRITE_EXECUTE = 7
/** Bytes of struct elf_prstatus, by machine: crash counts these notes to know the processors. */
const PRSTATUS: Readonly<Record<number, number>> = { 62: 336, 183: 392 }

/**
 * Lays a snapshot out. The program headers are sorted by physical address, as readers want them; the content by rank. A run
 * is split where the kernel's image begins and ends, for that has an address of its own.
 */
export function layOut(map: KcoreMap, processors: number, runs: readonly Run[], pageSize: number): Layout {
  const loads = runs
    .flatMap((run) => split(run, [...map.image, ...map.direct], pageSize))
    .sort((a, b) => a.start - b.start)
  const notes = notesOf(map, processors)
  const notesAt = headersBytes(loads.length + 1)
  const head = Buffer.alloc(Math.ceil((notesAt + notes.length) / pageSize) * pageSize)
  writeElfHeader(head, map.machine, loads.length + 1)
  notes.copy(head, notesAt)
  writeProgramHeader(head, 0, { ...noteHeader(notesAt, notes.length, 0), size: notes.length })
  const order = loads.toSorted((a, b) => a.rank - b.rank || a.start - b.start)
  const offsets = new Map<Run, number>()
  let offset = head.length
  for (const run of order) {
    offsets.set(run, offset)
    offset += (run.end - run.start) * pageSize
  }
  for (const [index, run] of loads.entries()) {
    const physical = run.start * pageSize
    const bytes = (run.end - run.start) * pageSize
    writeProgramHeader(head, index + 1, {
      type: PT_LOAD,
      flags: READ_WRITE_EXECUTE,
      offset: offsets.get(run) ?? 0,
      address: addressOf(map, physical),
      physical,
      stored: bytes,
      size: bytes,
      align: 0,
    })
  }
  return { head, order, bytes: offset }
}

/** The mapping that a physical address is read through. */
export function mappingOf(map: KcoreMap, physical: number): Mapping | undefined {
  return map.direct.find(({ start, end }) => start <= physical && physical < end)
}

function addressOf(map: KcoreMap, physical: number): bigint {
  const mapping = map.image.find(({ start, end }) => start <= physical && physical < end) ?? mappingOf(map, physical)
  if (mapping === undefined) throw new Error(`no mapping of physical address 0x${physical.toString(16)}`)
  return mapping.address + BigInt(physical - mapping.start)
}

/** A run in pieces none of which crosses the border of a range. */
function split(run: Run, ranges: readonly PhysicalRange[], pageSize: number): Run[] {
  const borders = ranges
    .flatMap(({ start, end }) => [Math.ceil(start / pageSize), Math.ceil(end / pageSize)])
    .filter((page) => run.start < page && page < run.end)
  const pages = [...new Set([run.start, ...borders, run.end])].sort((a, b) => a - b)
  return pages.slice(1).map((end, index) => ({ start: pages[index] ?? 0, end, rank: run.rank }))
}

function notesOf({ machine, vmcoreinfo }: KcoreMap, processors: number): Buffer {
  const status = writeNote('CORE', NT_PRSTATUS, Buffer.alloc(PRSTATUS[machine] ?? 0))
  return Buffer.concat([...Array.from({ length: processors }, () => status), writeNote('VMCOREINFO', 0, vmcoreinfo)])
}
