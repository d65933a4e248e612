import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cannot } from '../../../agent/words/cannot.ts'
import type { Judges } from '../../../scripts/vm/judges.ts'

/** The pages that makedumpfile -d 31 keeps of a dump, those of zeros among them: one bit each, by page number. */
export class Dumpable {
  readonly #bits: Buffer

  constructor(bits: Buffer) {
    this.#bits = bits
  }

  has(page: number): boolean {
    return ((this.#bits[page >> 3] ?? 0) & (1 << (page & 7))) !== 0
  }

  /** Up to the highest page there could be. */
  get end(): number {
    return this.#bits.length * 8
  }
}

/** What makedumpfile keeps of a dump in a directory, by its own file format: IMPLEMENTATION of makedumpfile, "The kdump-compressed format". */
export async function dumpable(
  judges: Judges,
  directory: string,
  dump: string,
  signal: AbortSignal,
): Promise<Dumpable> {
  const kept = `${dump}.d31`
  const ran = await judges.run(['makedumpfile', '-d', '31', '-f', dump, kept], directory, signal)
  if (ran.code !== 0) throw cannot(`filter ${dump}`, `${ran.stdout}${ran.stderr}`)
  return new Dumpable(bitmap(await readFile(join(directory, kept)), kept))
}

/** struct disk_dump_header of makedumpfile's diskdump_mod.h; the second half of the bitmaps tells what was kept. */
function bitmap(file: Buffer, name: string): Buffer {
  if (file.toString('latin1', 0, 8) !== 'KDUMP   ') throw cannot(`read ${name}`, 'it is not of the kdump format')
  const block = file.readInt32LE(428)
  const start = block * (1 + file.readInt32LE(432))
  const length = block * file.readUInt32LE(436)
  return file.subarray(start + length / 2, start + length)
}
