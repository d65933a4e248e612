import { plainName } from '../../../words/plain.ts'
import { HEADER, PN_XNUM, PROGRAM_HEADER, PT_LOAD, PT_NOTE } from '../../elf-headers.ts'
import { executableOf } from '../../processes/executable.ts'

/** What the beginning of an ELF core tells. */
export interface ElfHead {
  /** Bytes that the file has when it is whole: the end of the last segment. */
  readonly end: number
  readonly pid?: number
  readonly signal?: number
  /** Id of the thread that died. */
  readonly thread?: number
  readonly comm?: string
  readonly uid?: number
  /** Threads that the process had, where the notes of all of them are in the beginning. */
  readonly threads?: number
  /** Of the program: its first page is the first that is mapped. In hex. */
  readonly buildId?: string
  /** Of the program, as its own note says. */
  readonly package?: string
}

const ELF_MAGIC = 0x7f454c46
const NT_PRSTATUS = 1
const NT_PRPSINFO = 3
const NT_FILE = 0x46494c45
/** Notes that are looked at: those of the process and of the thread that died are first, each further thread has some KiB. */
const NOTE_BYTES = 1024 * 1024

/**
 * Reads the start of a 64-bit little-endian core (elf(5); struct elf_prstatus and elf_prpsinfo of Linux's elfcore.h, the same
 * on x86-64 and arm64). `more`: longer input is needed, unless this is all there is; undefined: no such core.
 */
export function parseElfHead(head: Buffer, isAll = false): ElfHead | 'more' | undefined {
  const parts = partsOf(head, isAll)
  if (parts === 'more' || parts === undefined) return parts
  const { end, notes, program } = parts
  return { end, ...(notes && readProcess(notes.bytes, notes.isWhole)), ...(program && programNotes(program)) }
}

/**
 * Paths of the files that the process of a core had mapped, lowest address first, each once: NT_FILE, core(5) and fill_files_note of
 * Linux's fs/binfmt_elf.c. Answers as `parseElfHead`.
 */
export function mappedFilesOf(head: Buffer, isAll = false): readonly string[] | 'more' | undefined {
  const parts = partsOf(head, isAll)
  if (parts === 'more' || parts?.notes === undefined) return parts === 'more' ? parts : undefined
  for (const { type, name, note } of notesIn(parts.notes.bytes)) {
    if (type !== NT_FILE || name !== 'CORE' || note.length < 16) continue
    const names = note.toString('utf8', Math.min(note.length, 16 + 24 * number(note, 0)))
    return [...new Set(names.split('\0'))].filter((path) => path.startsWith('/'))
  }
  return undefined
}

interface Parts {
  readonly end: number
  readonly notes: { readonly bytes: Buffer; readonly isWhole: boolean } | undefined
  readonly program: Buffer | undefined
}

function partsOf(head: Buffer, isAll: boolean): Parts | 'more' | undefined {
  const more = isAll ? undefined : 'more'
  if (head.length < HEADER) return more
  const isCore = head.readUInt32BE(0) === ELF_MAGIC && head[4] === 2 && head[5] === 1 && head.readUInt16LE(16) === 4
  const count = head.readUInt16LE(56)
  if (!isCore || head.readUInt16LE(54) !== PROGRAM_HEADER || count === PN_XNUM) return undefined
  const table = number(head, 32)
  if (head.length < table + count * PROGRAM_HEADER) return more
  let end = table + count * PROGRAM_HEADER
  let notes: Parts['notes']
  let program: Buffer | undefined
  for (const { type, offset, size } of segments(head, table, count)) {
    end = Math.max(end, offset + size)
    if (type === PT_NOTE && notes === undefined) {
      const wanted = offset + Math.min(size, NOTE_BYTES)
      if (head.length < wanted && !isAll) return 'more'
      notes = { bytes: head.subarray(offset, wanted), isWhole: head.length >= offset + size }
    } else if (type === PT_LOAD && size > 0) {
      program ??= head.subarray(offset, offset + size)
    }
  }
  return { end, notes, program }
}

const number = (buffer: Buffer, at: number) => Number(buffer.readBigUInt64LE(at))

function* segments(elf: Buffer, table: number, count: number) {
  for (let at = table; at < table + count * PROGRAM_HEADER; at += PROGRAM_HEADER) {
    yield { type: elf.readUInt32LE(at), offset: number(elf, at + 8), size: number(elf, at + 32) }
  }
}

function* notesIn(notes: Buffer) {
  const aligned = (length: number) => Math.ceil(length / 4) * 4
  for (let at = 0; at + 12 <= notes.length; ) {
    const [nameLength, length, type] = [notes.readUInt32LE(at), notes.readUInt32LE(at + 4), notes.readUInt32LE(at + 8)]
    const from = at + 12 + aligned(nameLength)
    yield {
      type,
      name: notes.toString('latin1', at + 12, at + 11 + nameLength),
      note: notes.subarray(from, from + length),
    }
    at = from + aligned(length)
  }
}

function readProcess(notes: Buffer, isWhole: boolean): Omit<ElfHead, 'end' | 'buildId' | 'package'> {
  const found: { pid?: number; signal?: number; thread?: number; comm?: string; uid?: number } = {}
  let threads = 0
  for (const { type, name, note } of notesIn(notes)) {
    // The first thread's is that of the thread that died.
    if (type === NT_PRSTATUS && name === 'CORE' && note.length >= 36) {
      found.signal ??= note.readInt16LE(12)
      found.thread ??= note.readInt32LE(32)
      threads += 1
    }
    if (type === NT_PRPSINFO && note.length >= 56) {
      found.uid = note.readUInt32LE(16)
      found.pid = note.readUInt32LE(24)
      found.comm = plainName(note.toString('utf8', 40, 56).replace(/\0.*$/s, ''))
    }
  }
  return { ...found, ...(isWhole && threads > 0 && { threads }) }
}

/** What the program's notes say, in what is there of its first page (ld(1), --build-id): kept by bit 4 of coredump_filter, core(5). */
function programNotes(page: Buffer): Pick<ElfHead, 'buildId' | 'package'> {
  if (page.length < HEADER || page.readUInt32BE(0) !== ELF_MAGIC) return {}
  const [table, count] = [number(page, 32), page.readUInt16LE(56)]
  if (page.length < table + count * PROGRAM_HEADER) return {}
  const notes = [...segments(page, table, count)].filter(({ type }) => type === PT_NOTE)
  return executableOf(notes.map(({ offset, size }) => page.subarray(offset, offset + size)))
}
