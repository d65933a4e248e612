import { ET_CORE, HEADER, PN_XNUM, PROGRAM_HEADER, PT_LOAD, PT_NOTE, SECTION_HEADER, type Stretch } from './headers.ts'
import { type Numbers, numbersOf } from './numbers.ts'

/** Reads `length` bytes at byte `at` of a file; fewer where it ends, or where no more of it can be had. */
export type ReadAt = (at: number, length: number) => Promise<Buffer>

/** What the headers of an ELF core tell of the file. */
export interface CoreLayout {
  readonly numbers: Numbers
  /** Bytes that the file has at least when it is whole. */
  readonly end: number
  /** Whether all headers were read that there are, so that a file which ends at `end` is whole. */
  readonly isAll: boolean
  readonly notes: Stretch | undefined
  /** The first memory that is in the file. */
  readonly memory: Stretch | undefined
}

/** Bytes of the headers: of the file, of a segment, of a section; and where in them lies what is asked for. */
const WIDE = {
  ...{ file: HEADER, segment: PROGRAM_HEADER, section: SECTION_HEADER },
  ...{ phoff: 32, shoff: 40, sizes: 54, offset: 8, filesz: 32, info: 44 },
}
const NARROW = { file: 52, phoff: 28, shoff: 32, sizes: 42, segment: 32, offset: 4, filesz: 16, section: 40, info: 28 }

/** More than a process has mappings, unless somebody raised vm.max_map_count 30 times: 115 MiB of headers. */
const MOST_SEGMENTS = 2 ** 21
/** Headers that are read at a time. */
const AT_ONCE = 16 * 1024
/** Headers that are looked at where it is not known how many there are: that of the notes comes first. */
const FIRST = 8

/**
 * Where an ELF core ends, and where in it the notes and the first memory lie, by its headers: of 32 or 64 bits and of either byte order.
 * Undefined: it is none, or its headers are damaged.
 */
export async function coreLayout(readAt: ReadAt): Promise<CoreLayout | undefined> {
  const head = await readAt(0, WIDE.file)
  const numbers = numbersOf(head)
  return numbers === undefined || head.length < 18 || numbers.half(head, 16) !== ET_CORE
    ? undefined
    : await layoutOf(readAt, numbers, head)
}

async function layoutOf(readAt: ReadAt, numbers: Numbers, head: Buffer): Promise<CoreLayout | undefined> {
  const form = numbers.isWide ? WIDE : NARROW
  if (head.length < form.file) return { numbers, end: form.file, isAll: false, notes: undefined, memory: undefined }
  const [table, sections] = [numbers.long(head, form.phoff), numbers.long(head, form.shoff)]
  const [segmentBytes, few, sectionBytes, sectionCount] = [0, 2, 4, 6].map((at) => numbers.half(head, form.sizes + at))
  if (segmentBytes !== form.segment || few === 0 || few === undefined) return undefined
  const hasSections = sections > 0 && sectionBytes === form.section
  const sectionsEnd = hasSections ? sections + (sectionCount ?? 0) * form.section : 0

  const look = (count: number) => segments(readAt, numbers, table, count)
  const first = await look(Math.min(few, FIRST))
  const count = few < PN_XNUM ? few : await manySegments()
  const found = count === undefined || count <= FIRST ? first : await look(count)
  const tableEnd = table + (count ?? PN_XNUM) * form.segment
  const end = Math.max(form.file, tableEnd, sectionsEnd, found.end)
  return { ...found, numbers, end, isAll: count !== undefined && found.isAll }

  /** The number in section header 0, which the kernel writes behind all memory; where that cannot be had, by how it lays out the rest. */
  async function manySegments(): Promise<number | undefined> {
    const section = hasSections ? await readAt(sections, form.section) : Buffer.alloc(0)
    // elf_core_dump in Linux's fs/binfmt_elf.c: the notes begin where the program headers end.
    const laidOut = ((first.notes?.offset ?? 0) - table) / form.segment
    const count = section.length === form.section ? numbers.word(section, form.info) : laidOut
    return Number.isInteger(count) && count >= PN_XNUM && count <= MOST_SEGMENTS ? count : undefined
  }
}

/** What `count` program headers tell that lie at byte `table`. */
async function segments(
  readAt: ReadAt,
  numbers: Numbers,
  table: number,
  count: number,
): Promise<Pick<CoreLayout, 'end' | 'isAll' | 'notes' | 'memory'>> {
  const form = numbers.isWide ? WIDE : NARROW
  let [end, seen] = [0, 0]
  let notes: Stretch | undefined
  let memory: Stretch | undefined
  while (seen < count) {
    const wanted = Math.min(AT_ONCE, count - seen)
    const headers = await readAt(table + seen * form.segment, wanted * form.segment)
    for (let at = 0; at + form.segment <= headers.length; at += form.segment) {
      const type = numbers.word(headers, at)
      const segment = { offset: numbers.long(headers, at + form.offset), size: numbers.long(headers, at + form.filesz) }
      end = Math.max(end, segment.offset + segment.size)
      if (type === PT_NOTE) notes ??= segment
      if (type === PT_LOAD && segment.size > 0) memory ??= segment
    }
    if (headers.length < wanted * form.segment) return { end, isAll: false, notes, memory }
    seen += wanted
  }
  return { end, isAll: true, notes, memory }
}
