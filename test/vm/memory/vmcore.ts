import { type FileHandle, open } from 'node:fs/promises'
import { cannot } from '../../../agent/words/cannot.ts'

/** Of x86-64. */
export const PAGE = 4096
/** Sizes of ELF64 structures, and the one type of segment that holds memory: elf(5). */
const EHDR = 64
const PHDR = 56
const PT_LOAD = 1

/** Pages that lie one after the other in physical memory and in the file. */
export interface Segment {
  /** Number of the first page. */
  readonly first: number
  readonly pages: number
  /** Where the first page is in the file. */
  readonly offset: number
}

/** The physical pages of an ELF core of a machine, read with nothing of the code that wrote it. */
export class Vmcore implements AsyncDisposable {
  readonly segments: readonly Segment[]
  readonly #file: FileHandle

  private constructor(file: FileHandle, segments: readonly Segment[]) {
    this.#file = file
    this.segments = segments
  }

  static async open(path: string): Promise<Vmcore> {
    const file = await open(path)
    const header = Buffer.alloc(EHDR)
    await file.read(header, 0, EHDR, 0)
    const table = Buffer.alloc(header.readUInt16LE(56) * PHDR)
    await file.read(table, 0, table.length, Number(header.readBigUInt64LE(32)))
    const segments: Segment[] = []
    for (let at = 0; at < table.length; at += PHDR) {
      if (table.readUInt32LE(at) !== PT_LOAD) continue
      const [offset, , paddr, filesz] = [8, 16, 24, 32].map((field) => Number(table.readBigUInt64LE(at + field)))
      segments.push({ first: (paddr ?? 0) / PAGE, pages: (filesz ?? 0) / PAGE, offset: offset ?? 0 })
    }
    return new Vmcore(file, segments)
  }

  /** How many pages it has. */
  get pages(): number {
    return this.segments.reduce((sum, { pages }) => sum + pages, 0)
  }

  /** Reads pages that one segment has. */
  async read(first: number, count: number): Promise<Buffer> {
    const from = this.segments.find((each) => each.first <= first && first + count <= each.first + each.pages)
    if (from === undefined) throw cannot(`read ${count} pages from page ${first} on`, 'no segment has them')
    const bytes = Buffer.alloc(count * PAGE)
    await this.#file.read(bytes, 0, bytes.length, from.offset + (first - from.first) * PAGE)
    return bytes
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
  }
}
