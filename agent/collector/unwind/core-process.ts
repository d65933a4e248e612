import type { ReadAt } from '../elf/core-layout.ts'
import {
  ET_CORE,
  HEADER,
  PN_XNUM,
  PROGRAM_HEADER,
  PT_LOAD,
  PT_NOTE,
  programHeaders,
  programTable,
} from '../elf/headers.ts'
import { NT_FILE, NT_PRSTATUS, notesIn } from '../elf/notes.ts'
import { LITTLE } from '../elf/numbers.ts'
import { VDSO } from './module-map.ts'
import type { MappedFile } from './modules.ts'
import { ARCHITECTURES, type ThreadRegisters } from './registers.ts'

/** Memory in a core: `stored` bytes from `start` on lie at `offset` of the file. */
export interface CoreMemory {
  readonly start: number
  readonly stored: number
  readonly offset: number
}

/** What a core tells of its process, but for the memory itself. */
export interface CoreProcess {
  readonly arch: 'x64' | 'arm64'
  /** In the order of the core: of a crash the first one crashed. */
  readonly threads: readonly ThreadRegisters[]
  /** Files, without permissions, and the vdso. */
  readonly mappings: readonly MappedFile[]
  /** By address, as cores have them. */
  readonly memory: readonly CoreMemory[]
}

/** Further types of notes: Linux include/uapi/linux/elf.h. */
const NT_AUXV = 6
const NT_ARM_PAC_MASK = 0x406
/** Where the id and the registers of a thread begin in struct elf_prstatus. */
const PRSTATUS = { pid: 32, registers: 112 }
/** getauxval(3) */
const AT_SYSINFO_EHDR = 33
/** The notes of 2,048 threads have 8 MiB at most; of more, the first ones. */
const MOST_NOTES = 32 * 1024 * 1024
/** vm.max_map_count is 65,530, or 2^20 where somebody raised it. */
const MOST_HEADERS = 2 ** 20

/**
 * Threads, files and places of memory of a 64-bit little-endian core, whoever wrote it, by as much of it as can be read. Undefined: it is none of
 * an architecture whose registers are known.
 */
export async function readCoreProcess(readAt: ReadAt): Promise<CoreProcess | undefined> {
  const head = await readAt(0, HEADER)
  const table = programTable(head)
  const arch = (['x64', 'arm64'] as const).find((name) => ARCHITECTURES[name].elf === table?.machine)
  if (table === undefined || arch === undefined || head.readUInt16LE(16) !== ET_CORE) return undefined
  const count = table.count < PN_XNUM ? table.count : await countOf(head, readAt)
  const headers = [...programHeaders(await readAt(table.offset, Math.min(count, MOST_HEADERS) * PROGRAM_HEADER))]
  const place = headers.find(({ type }) => type === PT_NOTE)
  const notes = place ? await readAt(Number(place.offset), Math.min(place.stored, MOST_NOTES)) : Buffer.alloc(0)
  const memory = headers.flatMap(({ type, address, stored, offset }): CoreMemory[] =>
    type === PT_LOAD && stored > 0 ? [{ start: Number(address), stored, offset: Number(offset) }] : [],
  )
  const { threads, files, vdsoAt } = told(notes)
  const vdso = memory.find(({ start }) => start === vdsoAt)
  const mappings = vdso ? [...files, { ...vdso, end: vdso.start + vdso.stored, offset: 0, path: VDSO }] : files
  return { arch, threads, mappings, memory }
}

/** How many program headers there are where they are very many: elf(5), PN_XNUM. */
async function countOf(head: Buffer, readAt: ReadAt): Promise<number> {
  const section = await readAt(Number(head.readBigUInt64LE(40)), 64)
  return section.length < 64 ? PN_XNUM : section.readUInt32LE(44)
}

function told(notes: Buffer): { threads: ThreadRegisters[]; files: MappedFile[]; vdsoAt: number } {
  const threads: ThreadRegisters[] = []
  let files: MappedFile[] = []
  let vdsoAt = 0
  for (const { owner, type, content, isWhole } of notesIn(notes, LITTLE)) {
    if (!isWhole) break
    const last = threads.at(-1)
    if (owner === 'CORE' && type === NT_PRSTATUS && content.length > PRSTATUS.registers) {
      threads.push({ tid: content.readInt32LE(PRSTATUS.pid), registers: content.subarray(PRSTATUS.registers) })
    } else if (owner === 'LINUX' && type === NT_ARM_PAC_MASK && last !== undefined) {
      threads[threads.length - 1] = { ...last, pacMask: content }
    } else if (owner === 'CORE' && type === NT_FILE) {
      files = filesIn(content)
    } else if (owner === 'CORE' && type === NT_AUXV) {
      vdsoAt = auxiliary(content, AT_SYSINFO_EHDR)
    }
  }
  return { threads, files, vdsoAt }
}

function auxiliary(vector: Buffer, type: number): number {
  for (let at = 0; at + 16 <= vector.length; at += 16) {
    if (Number(vector.readBigUInt64LE(at)) === type) return Number(vector.readBigUInt64LE(at + 8))
  }
  return 0
}

/** Count, page size, then start, end and offset in pages of each, then their names: Linux fs/binfmt_elf.c, fill_files_note(). */
function filesIn(content: Buffer): MappedFile[] {
  if (content.length < 16) return []
  const [count, pageSize] = [Number(content.readBigUInt64LE(0)), Number(content.readBigUInt64LE(8))]
  const namesAt = 16 + count * 24
  if (namesAt > content.length) return []
  const names = content.toString('utf8', namesAt).split('\0')
  return Array.from({ length: count }, (_, index) => {
    const [start, end, pages] = [0, 8, 16].map((at) => Number(content.readBigUInt64LE(16 + index * 24 + at)))
    return { start: start ?? 0, end: end ?? 0, offset: (pages ?? 0) * pageSize, path: names[index] ?? '' }
  })
}
