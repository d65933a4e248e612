import { cannot } from '../../words/cannot.ts'
import { HEADER, PN_XNUM, PROGRAM_HEADER, PT_LOAD, programHeaders, programTable } from '../elf/headers.ts'
import type { Range } from '../host/mappings.ts'
import type { OwnedFile } from '../host/owned-file.ts'

/** Overwrites what a core that lies in a file holds of these ranges of memory with zeros. Throws where it cannot tell where that is. */
export async function blankOut(core: OwnedFile, ranges: readonly Range[], signal: AbortSignal): Promise<void> {
  const table = programTable(await exactly(core, 0, HEADER, signal))
  if (table === undefined || table.count === PN_XNUM) {
    throw cannot('blank out the environment in a core', 'it is no 64-bit one, or has too many segments')
  }
  const headers = await exactly(core, table.offset, table.count * PROGRAM_HEADER, signal)
  for (const segment of programHeaders(headers)) {
    if (segment.type !== PT_LOAD) continue
    const [offset, address, size] = [Number(segment.offset), Number(segment.address), segment.stored]
    for (const range of ranges) {
      const start = Math.max(range.start, address)
      const length = Math.min(range.end, address + size) - start
      if (length > 0) await core.write(Buffer.alloc(length), offset + start - address, signal)
    }
  }
}

async function exactly(core: OwnedFile, at: number, length: number, signal: AbortSignal): Promise<Buffer> {
  const bytes = await core.bytesAt(at, length, signal)
  if (bytes.length < length) throw cannot('blank out the environment in a core', 'it is cut')
  return bytes
}
