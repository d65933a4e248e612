import type { FileHandle } from 'node:fs/promises'
import { cannot } from '../../words/cannot.ts'
import { HEADER, PN_XNUM, PROGRAM_HEADER, PT_LOAD } from '../elf/headers.ts'
import type { Range } from './process-facts.ts'

/** Overwrites what a core that lies in a file holds of these ranges of memory with zeros. Throws where it cannot tell where that is. */
export async function blankOut(core: FileHandle, ranges: readonly Range[]): Promise<void> {
  const head = await exactly(core, 0, HEADER)
  const count = head.readUInt16LE(56)
  const isCore = head.readUInt32BE(0) === 0x7f454c46 && head[4] === 2 && head[5] === 1
  if (!isCore || head.readUInt16LE(54) !== PROGRAM_HEADER || count === PN_XNUM) {
    throw cannot('blank out the environment in a core', 'it is no 64-bit one, or has too many segments')
  }
  const table = await exactly(core, Number(head.readBigUInt64LE(32)), count * PROGRAM_HEADER)
  for (let at = 0; at < table.length; at += PROGRAM_HEADER) {
    if (table.readUInt32LE(at) !== PT_LOAD) continue
    const [offset, address, size] = [8, 16, 32].map((field) => Number(table.readBigUInt64LE(at + field))) as [
      ...[number, number, number],
    ]
    for (const range of ranges) {
      const start = Math.max(range.start, address)
      const length = Math.min(range.end, address + size) - start
      if (length > 0) await core.write(Buffer.alloc(length), 0, length, offset + start - address)
    }
  }
}

async function exactly(core: FileHandle, position: number, length: number): Promise<Buffer> {
  const { bytesRead, buffer } = await core.read(Buffer.alloc(length), 0, length, position)
  if (bytesRead < length) throw cannot('blank out the environment in a core', 'it is cut')
  return buffer
}
