import { plainName } from '../../words/plain.ts'
import { type CoreLayout, coreLayout, type ReadAt } from '../elf/core-layout.ts'
import { executableIn } from '../elf/executable.ts'
import type { Stretch } from '../elf/headers.ts'
import { NT_FILE, NT_PRPSINFO, NT_PRSTATUS, notesIn } from '../elf/notes.ts'
import type { Numbers } from '../elf/numbers.ts'

/** What the process was of which there is a core. */
export interface CoreProcess {
  readonly pid?: number
  readonly signal?: number
  /** Id of the thread that died. */
  readonly thread?: number
  readonly comm?: string
  readonly uid?: number
  /** Threads that the process had, where the notes of all of them were looked at. */
  readonly threads?: number
  /** Of the program: its first page is the first that is mapped. In hex. */
  readonly buildId?: string
  /** Of the program, as its own note says. */
  readonly package?: string
}

/** What the beginning of an ELF core tells: of the file, and of the process. */
export interface ElfHead {
  readonly layout: CoreLayout
  readonly process: CoreProcess
}

/** Notes that are looked at: those of the process and of the thread that died are first, each further thread has some KiB. */
const NOTE_BYTES = 1024 * 1024
/** NT_FILE is among them, and the kernel makes it no longer: core_file_note_size_limit, core(5). */
const FILE_NOTE_BYTES = 4 * 1024 * 1024
/** What is looked at of the program's first page: its notes are there, kept by bit 4 of coredump_filter, core(5). */
const PAGE_BYTES = 64 * 1024

/**
 * Where the parts of struct elf_prstatus and elf_prpsinfo lie that are asked for: Linux's elfcore.h, the same on x86-64 and arm64; of a 32-bit
 * process its compat_elfcore.h, where a user id of x86 and Arm has two bytes.
 */
const WIDE = { status: { signal: 12, thread: 32 }, info: { bytes: 56, uid: 16, pid: 24, comm: 40 } }
const NARROW = { status: { signal: 12, thread: 24 }, info: { bytes: 44, uid: 8, pid: 12, comm: 28 } }
const COMM_BYTES = 16

/** Reads the start of an ELF core. Undefined: it is none. */
export async function readElfHead(readAt: ReadAt): Promise<ElfHead | undefined> {
  const layout = await coreLayout(readAt)
  if (layout === undefined) return undefined
  const { numbers, notes, memory } = layout
  const process = notes && processOf(await part(readAt, notes, NOTE_BYTES), numbers, notes.size <= NOTE_BYTES)
  const page = memory && (await part(readAt, memory, PAGE_BYTES))
  const program = page && (await executableIn(async (at, length) => page.subarray(at, at + length)))
  return { layout, process: { ...process, ...program } }
}

/**
 * Paths of the files that the process of a core had mapped, lowest address first, each once: NT_FILE, core(5) and fill_files_note of
 * Linux's fs/binfmt_elf.c. Undefined where it does not tell.
 */
export async function mappedFilesOf(readAt: ReadAt): Promise<readonly string[] | undefined> {
  const layout = await coreLayout(readAt)
  if (layout?.notes === undefined) return undefined
  const { numbers } = layout
  const long = numbers.isWide ? 8 : 4
  for (const { type, owner, content: note } of notesIn(await part(readAt, layout.notes, FILE_NOTE_BYTES), numbers)) {
    if (type !== NT_FILE || owner !== 'CORE' || note.length < 2 * long) continue
    const names = note.toString('utf8', Math.min(note.length, 2 * long + 3 * long * numbers.long(note, 0)))
    return [...new Set(names.split('\0'))].filter((path) => path.startsWith('/'))
  }
  return undefined
}

const part = (readAt: ReadAt, { offset, size }: Stretch, most: number) => readAt(offset, Math.min(size, most))

function processOf(notes: Buffer, numbers: Numbers, isWhole: boolean): CoreProcess {
  const { status, info } = numbers.isWide ? WIDE : NARROW
  const found: { pid?: number; signal?: number; thread?: number; comm?: string; uid?: number } = {}
  let threads = 0
  for (const { type, owner, content: note } of notesIn(notes, numbers)) {
    if (owner !== 'CORE') continue
    // The first thread's is that of the thread that died.
    if (type === NT_PRSTATUS && note.length >= status.thread + 4) {
      found.signal ??= numbers.half(note, status.signal)
      found.thread ??= numbers.word(note, status.thread)
      threads += 1
    }
    if (type === NT_PRPSINFO && note.length >= info.bytes) {
      found.uid = numbers.isWide ? numbers.word(note, info.uid) : numbers.half(note, info.uid)
      found.pid = numbers.word(note, info.pid)
      found.comm = plainName(note.toString('utf8', info.comm, info.comm + COMM_BYTES).replace(/\0.*$/s, ''))
    }
  }
  return { ...found, ...(isWhole && threads > 0 && { threads }) }
}
