import { executableIn } from '../elf/executable.ts'
import { HEADER, PROGRAM_HEADER, PT_LOAD, programHeaders, programTable, SECTION_HEADER } from '../elf/headers.ts'
import { Damaged, type Image, type Load, loadAt, type ReadBytes, type Section } from './image.ts'

/** Program headers, sections and bytes of their names, of the largest programs that there are (Chromium: 15 and 50). */
const MOST_LOADS = 256
const MOST_SECTIONS = 4096
const MOST_NAMES = 256 * 1024
/** elf(5) */
const PF_X = 1
const PT_GNU_EH_FRAME = 0x6474e550

/**
 * Opens a 64-bit little-endian ELF file, read by `bytes`, which throws Damaged where it cannot give all. Undefined where it is none: data, or
 * code that a program wrote itself. Throws Damaged where its headers are.
 */
export async function openImage(path: string, bytes: ReadBytes, signal: AbortSignal): Promise<Image | undefined> {
  const head = await bytes(0, HEADER, signal)
  const table = programTable(head)
  if (table === undefined) return undefined
  if (table.count > MOST_LOADS) throw new Damaged(`${path} has more program headers than any program`)
  const placed = await bytes(table.offset, table.count * PROGRAM_HEADER, signal)
  const headers = [...programHeaders(placed)]
  const loads = headers.flatMap(({ type, address, offset, stored, size }, index): Load[] => {
    const executable = (placed.readUInt32LE(index * PROGRAM_HEADER + 4) & PF_X) !== 0
    return type === PT_LOAD ? [{ address: Number(address), offset: Number(offset), stored, size, executable }] : []
  })
  const frameTable = headers.find(({ type }) => type === PT_GNU_EH_FRAME)
  const { buildId } = (await executableIn((at, length) => asFar(bytes, at, length, signal))) ?? {}
  const image = {
    ...{ path, machine: table.machine, loads, bytes },
    ...(frameTable !== undefined && { frameTable: Number(frameTable.address) }),
    ...(buildId !== undefined && { buildId }),
  }
  let sections: readonly Section[] | undefined
  return {
    ...image,
    async bytesAt(address, length, signal) {
      const load = loadAt(image, address)
      if (load === undefined || address + length > load.address + load.stored) {
        throw new Damaged(`${path} names an address that is not in it: ${address.toString(16)}`)
      }
      return await bytes(load.offset + (address - load.address), length, signal)
    },
    async sections(signal) {
      sections ??= await sectionsOf(path, head, bytes, signal)
      return sections
    },
  }
}

/** What can be had of a stretch whose end nobody vouches for. */
async function asFar(bytes: ReadBytes, at: number, length: number, signal: AbortSignal): Promise<Buffer> {
  try {
    return await bytes(at, length, signal)
  } catch (error) {
    if (error instanceof Damaged) return Buffer.alloc(0)
    throw error
  }
}

async function sectionsOf(path: string, head: Buffer, bytes: ReadBytes, signal: AbortSignal): Promise<Section[]> {
  const offset = Number(head.readBigUInt64LE(40))
  const [size, few, namesAt] = [head.readUInt16LE(58), head.readUInt16LE(60), head.readUInt16LE(62)]
  if (offset === 0 || few === 0) return []
  if (size !== SECTION_HEADER || few > MOST_SECTIONS) throw new Damaged(`${path} has sections of an unknown kind`)
  const table = await bytes(offset, few * SECTION_HEADER, signal)
  const sections = Array.from({ length: few }, (_, index) => {
    const at = index * SECTION_HEADER
    return {
      nameAt: table.readUInt32LE(at),
      type: table.readUInt32LE(at + 4),
      flags: Number(table.readBigUInt64LE(at + 8)),
      address: Number(table.readBigUInt64LE(at + 16)),
      offset: Number(table.readBigUInt64LE(at + 24)),
      size: Number(table.readBigUInt64LE(at + 32)),
      link: table.readUInt32LE(at + 40),
    }
  })
  const strings = sections[namesAt]
  if (strings === undefined || strings.size > MOST_NAMES) throw new Damaged(`the sections of ${path} have no names`)
  const names = await bytes(strings.offset, strings.size, signal)
  return sections.map(({ nameAt, ...section }) => ({ ...section, name: nameIn(names, nameAt) }))
}

function nameIn(names: Buffer, at: number): string {
  const end = names.indexOf(0, at)
  return names.toString('latin1', Math.min(at, names.length), end < 0 ? names.length : end)
}
