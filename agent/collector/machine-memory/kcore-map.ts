import {
  notePlaces,
  PROGRAM_HEADER,
  type ProgramTable,
  PT_LOAD,
  programHeaders,
  programTable,
  type Stretch,
} from '../elf/headers.ts'
import { notesIn } from '../elf/notes.ts'
import { LITTLE } from '../elf/numbers.ts'
import type { PhysicalRange } from './iomem.ts'

/** A stretch of memory that /proc/kcore gives: physical memory at a kernel address. */
export interface Mapping extends PhysicalRange {
  /** Kernel address of its first byte. */
  readonly address: bigint
  /** Where it lies in /proc/kcore. With five levels of page tables beyond 2^53. */
  readonly offset: bigint
}

/** What the headers of /proc/kcore say. */
export interface KcoreMap {
  /** ELF's number of the machine: 62 for x86-64, 183 for arm64. */
  readonly machine: number
  /** Physical memory as the kernel's direct map has it, by address. */
  readonly direct: readonly Mapping[]
  /** The kernel's image where it is linked to, if that is another address (x86-64). */
  readonly image: readonly Mapping[]
  /** The text that crash tools find their way by: `OSRELEASE=6.1.0\nPAGESIZE=4096\n…`. */
  readonly vmcoreinfo: Buffer
}

const MACHINES = [62, 183]
/** p_paddr of what is not plain physical memory: vmalloc, modules, vmemmap (fs/proc/kcore.c). */
const NO_ADDRESS = 0xffff_ffff_ffff_ffffn

/** Bytes of the headers at the start of /proc/kcore, from its ELF header (64 bytes at least). */
export function headBytes(header: Buffer): number {
  const { offset, count } = tableOf(header)
  return offset + count * PROGRAM_HEADER
}

/** Where the notes lie, from the headers. */
export function notesPlace(head: Buffer): Stretch {
  const [place] = notePlaces(head.subarray(tableOf(head).offset))
  if (place === undefined) throw new Error('it has no notes')
  return place
}

/** Takes the headers and notes of /proc/kcore apart (elf(5), fs/proc/kcore.c). */
export function parseKcore(head: Buffer, notes: Buffer): KcoreMap {
  const { machine, offset: tableAt } = tableOf(head)
  if (!MACHINES.includes(machine)) throw new Error(`machine ${machine} is neither x86-64 nor arm64`)
  const mappings: Mapping[] = []
  for (const { type, physical, size, address, offset } of programHeaders(head.subarray(tableAt))) {
    if (type !== PT_LOAD || physical === NO_ADDRESS) continue
    const start = Number(physical)
    mappings.push({ start, end: start + size, address, offset })
  }
  mappings.sort((a, b) => a.start - b.start || b.end - a.end)
  // The kernel's image is in the direct map, too: what lies within another stretch is its second address.
  const within = (inner: Mapping) =>
    mappings.some((outer) => outer !== inner && outer.start <= inner.start && inner.end <= outer.end)
  const image = mappings.filter(within)
  return { machine, direct: mappings.filter((one) => !image.includes(one)), image, vmcoreinfo: findVmcoreinfo(notes) }
}

function tableOf(head: Buffer): ProgramTable {
  const table = programTable(head)
  if (table === undefined) throw new Error('it does not begin with the header of a 64-bit little-endian ELF')
  return table
}

/** A number of VMCOREINFO: `PAGESIZE=4096`. */
export function vmcoreinfoNumber(vmcoreinfo: Buffer, key: string): number | undefined {
  const [, value] = new RegExp(`^${RegExp.escape(key)}=(\\d+)$`, 'm').exec(vmcoreinfo.toString('latin1')) ?? []
  return value === undefined ? undefined : Number(value)
}

function findVmcoreinfo(notes: Buffer): Buffer {
  for (const { owner, content } of notesIn(notes, LITTLE)) if (owner === 'VMCOREINFO') return content
  throw new Error('its notes have no VMCOREINFO')
}
