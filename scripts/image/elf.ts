import { cannot } from '../../agent/words/cannot.ts'
import type { Architecture } from './runtime.ts'

/** What the dynamic loader looks at before it starts a program or takes a library. */
export interface Elf {
  /** Library (`libc.so.6`) → symbol versions that it must define (`GLIBC_2.28`). No versions: any will do. */
  readonly requires: ReadonlyMap<string, readonly string[]>
  /** Symbol versions that this library defines. */
  readonly provides: ReadonlySet<string>
}

/** elf(5), e_machine. */
const MACHINES: Readonly<Record<number, Architecture>> = { 62: 'x64', 183: 'arm64' }

/** Which of our architectures a 64-bit little-endian ELF file is for, by its first 64 bytes. */
export function elfArchitecture(header: Buffer): Architecture | undefined {
  if (header.length < 64 || header.readUInt32BE(0) !== 0x7f454c46) return undefined
  // EI_CLASS is ELFCLASS64, EI_DATA is ELFDATA2LSB.
  if (header[4] !== 2 || header[5] !== 1) return undefined
  return MACHINES[header.readUInt16LE(18)]
}

/** Program header types and tags of the dynamic section: elf(5) and, for versions, the LSB core specification, 10.7. */
const PT_LOAD = 1
const PT_DYNAMIC = 2
const DT_NEEDED = 1
const DT_STRTAB = 5
const DT_VERDEF = 0x6ffffffc
const DT_VERNEED = 0x6ffffffe
/** A version that is asked for by weak symbols only. */
const VER_FLG_WEAK = 2

/** Reads the dynamic section of a program or library, by program headers (section headers may have been stripped). */
export function parseElf(file: Buffer, name: string): Elf {
  if (elfArchitecture(file) === undefined) throw cannot(`read ${name}`, 'it is no ELF file for x86-64 or arm64')
  try {
    return parseDynamic(file)
  } catch (error) {
    throw cannot(`read ${name}`, error)
  }
}

function parseDynamic(file: Buffer): Elf {
  const headers = programHeaders(file)
  const end = Math.max(0, ...headers.map(({ offset, bytes }) => offset + bytes))
  if (end > file.length) throw new Error(`it is cut off: ${file.length} of at least ${end} bytes`)
  const dynamic = headers.find(({ type }) => type === PT_DYNAMIC)
  const tags = dynamic === undefined ? [] : dynamicTags(file.subarray(dynamic.offset, dynamic.offset + dynamic.bytes))
  /** The dynamic section speaks of addresses in memory. */
  const at = (wanted: number) => {
    const address = tags.find(({ tag }) => tag === wanted)?.value
    if (address === undefined) return undefined
    const load = headers.find(
      ({ type, start, bytes }) => type === PT_LOAD && address >= start && address < start + bytes,
    )
    if (load === undefined) throw new Error(`no segment holds address ${address}`)
    return address - load.start + load.offset
  }
  const strings = at(DT_STRTAB) ?? 0
  const text = (offset: number) => file.toString('latin1', strings + offset, file.indexOf(0, strings + offset))

  const requires = new Map<string, readonly string[]>()
  for (const { tag, value } of tags) if (tag === DT_NEEDED) requires.set(text(value), [])
  // Verneed: version u16, count u16, file u32, aux u32, next u32. Vernaux: hash u32, flags u16, other u16, name u32, next u32.
  for (const need of chain(file, at(DT_VERNEED), 12)) {
    const versions = [...chain(file, need + file.readUInt32LE(need + 8), 12)]
      .filter((aux) => (file.readUInt16LE(aux + 4) & VER_FLG_WEAK) === 0)
      .map((aux) => text(file.readUInt32LE(aux + 8)))
    requires.set(text(file.readUInt32LE(need + 4)), versions)
  }
  // Verdef: version, flags, index, count u16; hash, aux, next u32. Verdaux: name u32, next u32; the first is the version.
  const provides = [...chain(file, at(DT_VERDEF), 16)].map((definition) => {
    const aux = definition + file.readUInt32LE(definition + 12)
    return text(file.readUInt32LE(aux))
  })
  return { requires, provides: new Set(provides) }
}

function programHeaders(file: Buffer) {
  const [from, size, count] = [Number(file.readBigUInt64LE(32)), file.readUInt16LE(54), file.readUInt16LE(56)]
  return Array.from({ length: count }, (_, index) => {
    const at = from + index * size
    return {
      type: file.readUInt32LE(at),
      offset: Number(file.readBigUInt64LE(at + 8)),
      start: Number(file.readBigUInt64LE(at + 16)),
      bytes: Number(file.readBigUInt64LE(at + 32)),
    }
  })
}

function dynamicTags(section: Buffer) {
  return Array.from({ length: Math.floor(section.length / 16) }, (_, index) => ({
    tag: Number(section.readBigUInt64LE(index * 16)),
    value: Number(section.readBigUInt64LE(index * 16 + 8)),
  }))
}

/** Offsets of records that each name the distance to the next one at `link`; 0 ends the chain. */
function* chain(file: Buffer, first: number | undefined, link: number): Generator<number> {
  for (let at = first; at !== undefined; ) {
    yield at
    const distance = file.readUInt32LE(at + link)
    at = distance === 0 ? undefined : at + distance
  }
}
