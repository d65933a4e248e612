import { HEADER, PROGRAM_HEADER, PT_LOAD, PT_NOTE } from '../elf/headers.ts'
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

/** Bytes of the headers and notes at the start of /proc/kcore, from its ELF header (64 bytes at least). */
export function headBytes(header: Buffer): number {
  if (header.length < HEADER || header.readUInt32BE(0) !== 0x7f454c46 || header[4] !== 2 || header[5] !== 1)
    throw new Error('it does not begin with the header of a 64-bit little-endian ELF')
  return Number(header.readBigUInt64LE(32)) + header.readUInt16LE(56) * PROGRAM_HEADER
}

/** Where the notes lie, from the headers. */
export function notesPlace(head: Buffer): { readonly offset: number; readonly bytes: number } {
  for (const at of programHeaders(head)) {
    if (head.readUInt32LE(at) !== PT_NOTE) continue
    return { offset: Number(head.readBigUInt64LE(at + 8)), bytes: Number(head.readBigUInt64LE(at + 32)) }
  }
  throw new Error('it has no notes')
}

/** Takes the headers and notes of /proc/kcore apart (elf(5), fs/proc/kcore.c). */
export function parseKcore(head: Buffer, notes: Buffer): KcoreMap {
  const machine = head.readUInt16LE(18)
  if (!MACHINES.includes(machine)) throw new Error(`machine ${machine} is neither x86-64 nor arm64`)
  const mappings: Mapping[] = []
  for (const at of programHeaders(head)) {
    const physical = head.readBigUInt64LE(at + 24)
    if (head.readUInt32LE(at) !== PT_LOAD || physical === NO_ADDRESS) continue
    const start = Number(physical)
    const end = start + Number(head.readBigUInt64LE(at + 40))
    mappings.push({ start, end, address: head.readBigUInt64LE(at + 16), offset: head.readBigUInt64LE(at + 8) })
  }
  mappings.sort((a, b) => a.start - b.start || b.end - a.end)
  // The kernel's image is in the direct map, too: what lies within another stretch is its second address.
  const within = (inner: Mapping) =>
    mappings.some((outer) => outer !== inner && outer.start <= inner.start && inner.end <= outer.end)
  const image = mappings.filter(within)
  return { machine, direct: mappings.filter((one) => !image.includes(one)), image, vmcoreinfo: findVmcoreinfo(notes) }
}

/** A number of VMCOREINFO: `PAGESIZE=4096`. */
export function vmcoreinfoNumber(vmcoreinfo: Buffer, key: string): number | undefined {
  const [, value] = new RegExp(`^${RegExp.escape(key)}=(\\d+)$`, 'm').exec(vmcoreinfo.toString('latin1')) ?? []
  return value === undefined ? undefined : Number(value)
}

function* programHeaders(head: Buffer): Generator<number> {
  const first = Number(head.readBigUInt64LE(32))
  for (let index = 0; index < head.readUInt16LE(56); index++) yield first + index * PROGRAM_HEADER
}

function findVmcoreinfo(notes: Buffer): Buffer {
  for (let at = 0; at + 12 <= notes.length; ) {
    const nameBytes = notes.readUInt32LE(at)
    const bytes = notes.readUInt32LE(at + 4)
    const content = at + 12 + align(nameBytes)
    if (notes.toString('latin1', at + 12, at + 12 + nameBytes) === 'VMCOREINFO\0')
      return notes.subarray(content, content + bytes)
    at = content + align(bytes)
  }
  throw new Error('its notes have no VMCOREINFO')
}

const align = (bytes: number) => Math.ceil(bytes / 4) * 4
