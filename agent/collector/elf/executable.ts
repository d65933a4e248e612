import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { abandonable } from '../../words/deadline.ts'
import { HEADER, PROGRAM_HEADER, PT_NOTE } from './headers.ts'

/** What an executable says of itself. */
export interface Executable {
  /** In hex: ld(1), --build-id. */
  readonly buildId?: string
  /** `nginx 1.22.1-9 (deb, debian)`: https://systemd.io/ELF_PACKAGE_METADATA/ */
  readonly package?: string
}

/** elf(5) */
const ELF_MAGIC = 0x7f454c46
const NT_GNU_BUILD_ID = 3
const FDO_PACKAGING_METADATA = 0xcafe1a7e
/** Program headers of an executable are about a dozen; notes, some hundred bytes. */
const MOST_SEGMENTS = 64
const NOTE_BYTES = 16 * 1024
/** What a package says of itself goes into a receipt, which is never sealed: no more than names and a version. */
const WORD = /^[\w.+:~@ -]{1,80}$/

/**
 * Reads the notes of a running process's executable, by the kernel's own link, which works for a file that is gone, too.
 * Empty where there is nothing to read in time: it may lie on a file system that hangs.
 */
export async function readExecutable(root: string, pid: number, signal: AbortSignal): Promise<Executable> {
  return (await executableAt(join(root, `proc/${pid}/exe`), signal).catch(() => undefined)) ?? {}
}

/** The same of a program or library by its path; undefined where it is none. Throws where it cannot be read in time. */
export async function executableAt(path: string, signal: AbortSignal): Promise<Executable | undefined> {
  const reading = (async () => {
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const found = (await file.stat()).isFile() ? await notes(file) : undefined
    return found && executableOf(found)
  })()
  return await abandonable(reading, signal)
}

/** The content of its note segments, one after the other. 64-bit little-endian, as every core we write. */
async function notes(file: FileHandle): Promise<readonly Buffer[] | undefined> {
  const head = await bytesAt(file, 0, HEADER)
  if (head.length < HEADER || head.readUInt32BE(0) !== ELF_MAGIC || head[4] !== 2 || head[5] !== 1) return undefined
  if (head.readUInt16LE(54) !== PROGRAM_HEADER) return undefined
  const count = Math.min(head.readUInt16LE(56), MOST_SEGMENTS)
  const table = await bytesAt(file, Number(head.readBigUInt64LE(32)), count * PROGRAM_HEADER)
  const found: Buffer[] = []
  for (let at = 0; at + PROGRAM_HEADER <= table.length; at += PROGRAM_HEADER) {
    if (table.readUInt32LE(at) !== PT_NOTE) continue
    const [offset, size] = [table.readBigUInt64LE(at + 8), table.readBigUInt64LE(at + 32)].map(Number) as [
      number,
      number,
    ]
    found.push(await bytesAt(file, offset, Math.min(size, NOTE_BYTES)))
  }
  return found
}

async function bytesAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  if (!Number.isSafeInteger(position)) return Buffer.alloc(0)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position)
  return buffer.subarray(0, bytesRead)
}

/** What the notes of an executable say. Each stands at a multiple of 4 in its segment, name and content too: elf(5), Nhdr. */
export function executableOf(segments: readonly Buffer[]): Executable {
  const found: { buildId?: string; package?: string } = {}
  for (const notes of segments) {
    for (let at = 0; at + 12 <= notes.length; ) {
      const [nameBytes, bytes, type] = [notes.readUInt32LE(at), notes.readUInt32LE(at + 4), notes.readUInt32LE(at + 8)]
      const from = at + 12 + aligned(nameBytes)
      const name = notes.toString('latin1', at + 12, at + 12 + nameBytes)
      const content = notes.subarray(from, from + bytes)
      if (name === 'GNU\0' && type === NT_GNU_BUILD_ID && content.length === bytes)
        found.buildId ??= content.toString('hex')
      if (name === 'FDO\0' && type === FDO_PACKAGING_METADATA) {
        const text = packageOf(content.toString('utf8').replace(/\0+$/, ''))
        if (text !== undefined) found.package ??= text
      }
      at = from + aligned(bytes)
    }
  }
  return found
}

const aligned = (length: number) => Math.ceil(length / 4) * 4

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
