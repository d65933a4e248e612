import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { HEADER, PROGRAM_HEADER, PT_NOTE } from '../elf/headers.ts'
import type { Mapping } from './mappings.ts'
import type { Pages } from './pages.ts'

const ELF_MAGIC = 0x7f454c46

/**
 * Keeps the first page of each mapped ELF file, and its notes where they lie further back: from them the build-ids come. Other
 * files' pages are not kept. Gives the files whose first page is not in memory.
 */
export async function keepElfPages(
  mappings: readonly Mapping[],
  pageSize: number,
  pages: Pages,
  signal: AbortSignal,
): Promise<string[]> {
  const missed: string[] = []
  for (const { start, end, path } of mappings.filter(mayBeElf)) {
    const known = pages.has(start)
    const page = await pages.read(start, pageSize, signal)
    if (!pages.has(start)) missed.push(path)
    else if (page.readUInt32BE(0) === ELF_MAGIC) {
      const notes = notesOf(page).map((note) => ({ start: start + note.offset, end: start + note.offset + note.size }))
      await pages.keepAll(
        notes.filter((note) => note.end <= end),
        signal,
      )
    } else if (!known) pages.set(start, undefined)
  }
  return missed
}

/** As the kernel sees it: fs/coredump.c, vma_dump_size(). */
export const mayBeElf = ({ inode, offset, permissions }: Mapping) =>
  inode !== 0 && offset === 0 && permissions.startsWith('r')

function notesOf(page: Buffer): { offset: number; size: number }[] {
  const [table, count] = [Number(page.readBigUInt64LE(32)), page.readUInt16LE(56)]
  const notes: { offset: number; size: number }[] = []
  for (
    let at = table;
    at + PROGRAM_HEADER <= page.length && at < table + count * PROGRAM_HEADER;
    at += PROGRAM_HEADER
  ) {
    if (at < HEADER || page.readUInt32LE(at) !== PT_NOTE) continue
    notes.push({ offset: Number(page.readBigUInt64LE(at + 8)), size: Number(page.readBigUInt64LE(at + 32)) })
  }
  return notes
}

/**
 * Keeps the vdso. The kernel maps the same one into every process, so it is read from our own memory: to read it there would
 * fault pages in that the process has never touched.
 */
export function keepVdso(mappings: readonly Mapping[], pageSize: number, pages: Pages): void {
  const theirs = mappings.find(({ path }) => path === '[vdso]')
  const own = ownVdso()
  if (theirs === undefined || own?.length !== theirs.end - theirs.start) return
  for (let at = 0; at < own.length; at += pageSize) pages.set(theirs.start + at, own.subarray(at, at + pageSize))
}

function ownVdso(): Buffer | undefined {
  const line = /^([0-9a-f]+)-([0-9a-f]+) .*\[vdso\]$/m.exec(readFileSync('/proc/self/maps', 'utf8'))
  if (line === null) return undefined
  const [start, end] = [Number.parseInt(line[1] as string, 16), Number.parseInt(line[2] as string, 16)]
  const memory = openSync('/proc/self/mem', 'r')
  try {
    const bytes = Buffer.alloc(end - start)
    return readSync(memory, bytes, 0, bytes.length, start) === bytes.length ? bytes : undefined
  } finally {
    closeSync(memory)
  }
}
