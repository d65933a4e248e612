import { join } from 'node:path'
import { cannot } from '../../words/cannot.ts'
import { openKernelFile } from '../host/kernel-file.ts'
import type { OwnedFile } from '../host/owned-file.ts'
import { type Classifier, classifier, isTail } from './page-class.ts'

/** Flags are 64 bits for each page: Documentation/admin-guide/mm/pagemap.rst. */
const ENTRY_BYTES = 8
/** Pages whose flags are read at a time: 1 MiB of flags, 512 MiB of memory. */
export const BATCH = 131_072
/** Pages of the largest compound page that the kernel allocates for itself: MAX_PAGE_ORDER 10 in include/linux/mmzone.h. */
const COMPOUND = 1024

/** Classes of some pages, as positions in CLASSES. */
export interface ClassifiedPages {
  /** Number of the first page. */
  readonly first: number
  /** One for each page. Good until the next ones are asked for. */
  readonly classes: Uint8Array
}

/** /proc/kpageflags: what the kernel says of each page right now. */
export class PageFlags implements Disposable {
  readonly #file: OwnedFile
  /** One caller at a time: all of them share it. */
  #buffer = Buffer.alloc(0)

  constructor(file: OwnedFile) {
    this.#file = file
  }

  /** The classes of pages `start` up to `end`, piece by piece; memory is that of one piece. */
  async *scan(start: number, end: number, signal: AbortSignal): AsyncGenerator<ClassifiedPages, void, void> {
    const classes = new Uint8Array(Math.max(0, Math.min(BATCH, end - start)))
    const classify = classifier()
    for (let first = start; first < end; first += BATCH) {
      const piece = classes.subarray(0, Math.min(BATCH, end - first))
      await this.classes(first, piece, classify, signal)
      yield { first, classes: piece }
    }
  }

  /**
   * Fills `into` with the classes of the pages from `first` on: at most BATCH of them. The classifier has seen those before, or
   * nothing yet.
   */
  async classes(first: number, into: Uint8Array, classify: Classifier, signal: AbortSignal): Promise<void> {
    if (!classify.seen) await this.#lookBack(first, classify, signal)
    const bytes = into.length * ENTRY_BYTES
    if (this.#buffer.length < bytes) this.#buffer = Buffer.allocUnsafeSlow(bytes)
    await this.#read(first, this.#buffer.subarray(0, bytes), signal)
    const halves = new Uint32Array(this.#buffer.buffer, 0, into.length * 2)
    for (let index = 0; index < into.length; index++) into[index] = classify.next(halves[index * 2] ?? 0)
  }

  /** Where a run begins within a compound page, it is the page's head that tells the class. */
  async #lookBack(first: number, classify: Classifier, signal: AbortSignal): Promise<void> {
    const start = Math.max(0, first - COMPOUND)
    const flags = Buffer.alloc((first + 1 - start) * ENTRY_BYTES)
    const own = flags.subarray(-ENTRY_BYTES)
    await this.#read(first, own, signal)
    if (!isTail(own.readUInt32LE())) return
    await this.#read(start, flags, signal)
    for (let at = 0; at < flags.length - ENTRY_BYTES; at += ENTRY_BYTES) classify.next(flags.readUInt32LE(at))
  }

  async #read(first: number, into: Buffer, signal: AbortSignal): Promise<void> {
    const { length } = await this.#file.fill(into, first * ENTRY_BYTES, signal).catch((error: unknown) => {
      throw cannot(`read ${this.#file.path} at page ${first}`, error)
    })
    if (length === into.length) return
    // Behind the last page that the kernel knows of: all NOPAGE.
    const missing = Buffer.alloc(ENTRY_BYTES)
    missing.writeUInt32LE(1 << 20)
    into.fill(missing, length)
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]()
  }
}

/** Opens /proc/kpageflags below `root`. */
export async function openPageFlags(root: string, signal: AbortSignal): Promise<PageFlags> {
  return new PageFlags(await openKernelFile(join(root, 'proc/kpageflags'), signal))
}
