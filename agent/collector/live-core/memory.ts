import { readSync } from 'node:fs'
import { join } from 'node:path'
import type { Scan, SystemCalls } from '../host/ffi.ts'
import { openKernelFile } from '../host/kernel-file.ts'
import type { Range } from '../host/mappings.ts'
import type { OwnedFile } from '../host/owned-file.ts'

/** Bits of a pagemap entry, in its highest byte: Linux Documentation/admin-guide/mm/pagemap.rst. */
const PRESENT = 0x80
const SWAPPED = 0x40
const ENTRY = 8
/** Pages looked up at once: 1 MiB of pagemap, for 512 MiB of memory. */
const PAGES = 128 * 1024
/** Longer reads go through the pool in any case, several at once. */
const SHORT = 64 * 1024

/** /proc/PID/mem and /proc/PID/pagemap, open. */
export interface MemoryFiles {
  readonly memory: OwnedFile
  readonly pagemap: OwnedFile
}

/**
 * The memory of a process, read without changing it: pages that are not there are not asked for, so none is faulted in. What
 * lies in `hidden` reads as zeros.
 */
export class Memory implements Disposable {
  readonly pageSize: number
  /**
   * Whether all that use this memory stand still. Then nobody holds its locks, and short reads of pages that are
   * present go without the way through the thread pool. What is swapped out may take for ever, and always goes that way.
   */
  still = false
  readonly #hidden: readonly Range[]
  readonly #system: SystemCalls
  readonly #files: MemoryFiles

  /** `files` are closed with it. */
  constructor(files: MemoryFiles, pageSize: number, hidden: readonly Range[], system: SystemCalls) {
    this.#system = system
    this.#files = files
    this.pageSize = pageSize
    this.#hidden = hidden
  }

  /** `directory`: /proc/PID, or that of one of its threads. */
  static async open(
    directory: string,
    pageSize: number,
    hidden: readonly Range[],
    system: SystemCalls,
    signal: AbortSignal,
  ): Promise<Memory> {
    return new Memory(await openMemory(directory, signal), pageSize, hidden, system)
  }

  /**
   * Where a range is populated, as runs of pages. Asks the kernel to find them (so that it passes over what was never touched) on this
   * thread, so only where its mappings have just been read; a kernel that cannot is asked for every page.
   */
  async *runs({ start, end }: Range, signal: AbortSignal): AsyncGenerator<Range, void, void> {
    for (let at = start; at < end; ) {
      signal.throwIfAborted()
      const scan = this.#system.scanPages(this.#files.pagemap.fd, at, end) ?? (await this.#look(at, end, signal))
      yield* scan.runs
      at = scan.end
    }
  }

  async #look(start: number, end: number, signal: AbortSignal): Promise<Scan> {
    const states = await this.#states(start, Math.min(PAGES, (end - start) / this.pageSize), signal)
    const runs: Range[] = []
    for (let page = 0, first = 0; page <= states.length; page += 1) {
      if (page < states.length && states[page] !== 0) continue
      if (first < page) runs.push({ start: start + first * this.pageSize, end: start + page * this.pageSize })
      first = page + 1
    }
    return { runs, end: start + states.length * this.pageSize }
  }

  /** For each page: 0, PRESENT or SWAPPED. */
  async #states(start: number, pages: number, signal: AbortSignal): Promise<Uint8Array> {
    const entries = Buffer.alloc(pages * ENTRY)
    await this.#read(
      this.#files.pagemap,
      entries,
      (start / this.pageSize) * ENTRY,
      this.still && entries.length <= SHORT,
      signal,
    )
    const states = new Uint8Array(pages)
    for (let page = 0; page < pages; page += 1)
      states[page] = (entries[page * ENTRY + 7] as number) & (PRESENT | SWAPPED)
    return states
  }

  /**
   * Fills `into` with what lies at `start`, both in whole pages. Pages that are not there, or cannot be read, are zeros; the
   * answer is 0 for those.
   */
  async read(start: number, into: Buffer, signal: AbortSignal): Promise<Uint8Array> {
    const states = await this.#states(start, into.length / this.pageSize, signal)
    for (let page = 0; page < states.length; ) {
      let next = page + 1
      while (states[next] === states[page]) next += 1
      const part = into.subarray(page * this.pageSize, next * this.pageSize)
      if (states[page] === 0) part.fill(0)
      else await this.#readThere(start + page * this.pageSize, part, states.subarray(page, next), signal)
      page = next
    }
    this.#hide(start, into)
    return states
  }

  async #readThere(start: number, into: Buffer, states: Uint8Array, signal: AbortSignal): Promise<void> {
    const now = this.still && states[0] === PRESENT && into.length <= SHORT
    for (let at = 0; at < into.length; ) {
      const done = at + (await this.#read(this.#files.memory, into.subarray(at), start + at, now, signal))
      if (done === into.length) return
      // This page is not to be read (poisoned, a device's, gone since): a zero page, and on.
      const page = Math.floor(done / this.pageSize)
      at = (page + 1) * this.pageSize
      into.fill(0, done, at)
      states[page] = 0
    }
  }

  /** Bytes read: fewer than asked for where a page cannot be read. */
  async #read(file: OwnedFile, into: Buffer, position: number, now: boolean, signal: AbortSignal): Promise<number> {
    if (now) {
      signal.throwIfAborted()
      return readNow(file, into, position)
    }
    try {
      return await file.read(into, position, signal)
    } catch {
      signal.throwIfAborted()
      return 0
    }
  }

  #hide(start: number, bytes: Buffer): void {
    for (const range of this.#hidden) {
      const from = Math.max(range.start - start, 0)
      const to = Math.min(range.end - start, bytes.length)
      if (from < to) bytes.fill(0, from, to)
    }
  }

  [Symbol.dispose](): void {
    closeMemory(this.#files)
  }
}

export function closeMemory({ memory, pagemap }: MemoryFiles): void {
  for (const file of [memory, pagemap]) file[Symbol.dispose]()
}

/** Opens both files below `directory`, or none. */
export async function openMemory(directory: string, signal: AbortSignal): Promise<MemoryFiles> {
  const opening = ['mem', 'pagemap'].map((name) => openKernelFile(join(directory, name), signal))
  try {
    const [memory, pagemap] = (await Promise.all(opening)) as [OwnedFile, OwnedFile]
    return { memory, pagemap }
  } catch (error) {
    for (const one of opening) one.then((file) => file[Symbol.dispose]()).catch(() => {})
    throw error
  }
}

function readNow(file: OwnedFile, into: Buffer, position: number): number {
  try {
    return readSync(file.fd, into, 0, into.length, position)
  } catch {
    return 0
  }
}
