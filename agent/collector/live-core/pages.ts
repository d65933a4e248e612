import { inParallel } from '../../words/in-parallel.ts'
import type { Range } from '../host/mappings.ts'
import type { Memory } from './memory.ts'

/** Stretches of memory that are read at once: as many as the pool has threads. */
export const AT_ONCE = 4

/**
 * Pages of a process that have been read, each once. A walk over its data structures reads through it, and so leaves in it
 * just the pages that a debugger will want for the same walk. A page that is not there reads as zeros and is not kept.
 */
export class Pages {
  readonly #memory: Memory
  readonly #pages = new Map<number, Buffer | undefined>()

  constructor(memory: Memory) {
    this.#memory = memory
  }

  /** The pages that are there, lowest first, with what they hold. */
  sorted(): [number, Buffer][] {
    const kept = [...this.#pages].filter((entry): entry is [number, Buffer] => entry[1] !== undefined)
    return kept.sort(([a], [b]) => a - b)
  }

  has(page: number): boolean {
    return this.#pages.get(page) !== undefined
  }

  /** Keeps a page as it is given, whatever has been read. */
  set(page: number, bytes: Buffer | undefined): void {
    this.#pages.set(page, bytes)
  }

  /** Reads the pages of several ranges, a few at once. */
  async keepAll(ranges: Iterable<Range>, signal: AbortSignal): Promise<void> {
    await inParallel(ranges, AT_ONCE, (range) => this.keep(range, signal))
  }

  /** Reads the pages of a range, where they have not been read. */
  async keep({ start, end }: Range, signal: AbortSignal): Promise<void> {
    const size = this.#memory.pageSize
    let from = Math.floor(start / size) * size
    const to = Math.ceil(end / size) * size
    while (from < to && this.#pages.has(from)) from += size
    if (from >= to) return
    const bytes = Buffer.allocUnsafeSlow(to - from)
    const states = await this.#memory.read(from, bytes, signal)
    for (const [index, state] of states.entries()) {
      const page = from + index * size
      const content = state !== 0 ? bytes.subarray(index * size, (index + 1) * size) : undefined
      if (!this.#pages.has(page)) this.#pages.set(page, content)
    }
  }

  /** `length` bytes from `address` on. */
  async read(address: number, length: number, signal: AbortSignal): Promise<Buffer> {
    await this.keep({ start: address, end: address + length }, signal)
    const size = this.#memory.pageSize
    const first = Math.floor(address / size) * size
    const bytes = Buffer.alloc(Math.ceil((address + length - first) / size) * size)
    for (let at = 0; at < bytes.length; at += size) this.#pages.get(first + at)?.copy(bytes, at)
    return bytes.subarray(address - first, address - first + length)
  }
}
