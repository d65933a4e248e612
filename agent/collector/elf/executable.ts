import type { ReadAt } from './core-layout.ts'
import { HEADER, notePlaces, PROGRAM_HEADER, programTable } from './headers.ts'
import { notesIn } from './notes.ts'
import { LITTLE } from './numbers.ts'

/** What an executable says of itself. */
export interface Executable {
  /** In hex: ld(1), --build-id. */
  readonly buildId?: string
  /** `nginx 1.22.1-9 (deb, debian)`: https://systemd.io/ELF_PACKAGE_METADATA/ */
  readonly package?: string
}

/** elf(5) */
const NT_GNU_BUILD_ID = 3
const FDO_PACKAGING_METADATA = 0xcafe1a7e
/** Program headers of an executable are about a dozen; notes, some hundred bytes. */
const MOST_SEGMENTS = 64
const NOTE_BYTES = 16 * 1024
/** What a package says of itself goes into a receipt, which is never sealed: no more than names and a version. */
const WORD = /^[\w.+:~@ -]{1,80}$/

/**
 * What a program or library says of itself, by as much of it as can be read: a whole file, or its first page in a core. 64-bit and
 * little-endian, as every core we write; undefined where it is none.
 */
export async function executableIn(readAt: ReadAt): Promise<Executable | undefined> {
  const table = programTable(await readAt(0, HEADER))
  if (table === undefined) return undefined
  const headers = await readAt(table.offset, Math.min(table.count, MOST_SEGMENTS) * PROGRAM_HEADER)
  const notes: Buffer[] = []
  for (const { offset, size } of notePlaces(headers)) notes.push(await readAt(offset, Math.min(size, NOTE_BYTES)))
  return executableOf(notes)
}

/** What the notes of an executable say. */
export function executableOf(segments: readonly Buffer[]): Executable {
  const found: { buildId?: string; package?: string } = {}
  for (const { owner, type, content, isWhole } of segments.flatMap((segment) => [...notesIn(segment, LITTLE)])) {
    if (owner === 'GNU' && type === NT_GNU_BUILD_ID && isWhole) found.buildId ??= content.toString('hex')
    if (owner !== 'FDO' || type !== FDO_PACKAGING_METADATA) continue
    const text = packageOf(content.toString('utf8').replace(/\0+$/, ''))
    if (text !== undefined) found.package ??= text
  }
  return found
}

function packageOf(json: string): string | undefined {
  try {
    const { name, version, type, os } = JSON.parse(json) as Readonly<Record<string, unknown>>
    const [called, ...more] = [name, version, type, os].map((word) =>
      typeof word === 'string' && WORD.test(word) ? word : undefined,
    )
    if (called === undefined) return undefined
    const [edition, ...from] = more
    const origin = from.filter((word) => word !== undefined).join(', ')
    return `${called}${edition === undefined ? '' : ` ${edition}`}${origin === '' ? '' : ` (${origin})`}`
  } catch {
    return undefined
  }
}
