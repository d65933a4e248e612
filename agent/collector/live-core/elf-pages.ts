import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { notePlaces, PROGRAM_HEADER, programTable, type Stretch } from '../elf/headers.ts'
import { numbersOf } from '../elf/numbers.ts'
import { type Mapping, parseMapping } from '../host/mappings.ts'
import type { Pages } from './pages.ts'

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
    else if (numbersOf(page) !== undefined) {
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

function notesOf(page: Buffer): readonly Stretch[] {
  const table = programTable(page)
  if (table === undefined) return []
  return notePlaces(page.subarray(table.offset, table.offset + table.count * PROGRAM_HEADER))
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
  const mappings = readFileSync('/proc/self/maps', 'latin1').split('\n').map(parseMapping)
  const vdso = mappings.find((mapping) => mapping?.path === '[vdso]')
  if (vdso === undefined) return undefined
  const { start, end } = vdso
  const memory = openSync('/proc/self/mem', 'r')
  try {
    const bytes = Buffer.alloc(end - start)
    return readSync(memory, bytes, 0, bytes.length, start) === bytes.length ? bytes : undefined
  } finally {
    closeSync(memory)
  }
}
