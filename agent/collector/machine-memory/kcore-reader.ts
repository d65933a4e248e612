import { join } from 'node:path'
import { cannot } from '../../words/cannot.ts'
import { abandonable } from '../../words/deadline.ts'
import { openKernelFile } from '../host/kernel-file.ts'
import type { OwnedFile } from '../host/owned-file.ts'

/** Where one read fails, smaller ones find out how little is lost. Bytes; the last is the smallest page there is. */
const SMALLER = [64 * 1024, 4096]
/** What the kernel answers for memory that is there on paper only (fs/proc/kcore.c): unplugged, encrypted, a device's. */
const UNREADABLE = new Set(['EFAULT', 'ENOMEM', 'EIO'])

/**
 * /proc/kcore with a descriptor for each read in flight: two reads on one descriptor share a buffer in the kernel and
 * corrupt each other (51 to 85 of 600 on 6.1, 223 of 600 on 6.12).
 */
export class KcoreReader implements Disposable {
  readonly #idle: OwnedFile[]
  readonly #waiting = new Set<(file: OwnedFile) => void>()
  #closed = false

  constructor(files: readonly OwnedFile[]) {
    this.#idle = [...files]
  }

  /**
   * Fills `into` from `offset` on. Gives the bytes that could not be read: they are zeros. Calls may overlap; those that find
   * no free descriptor wait. A read that hangs is left behind when the signal aborts, with its descriptor.
   */
  async read(offset: bigint, into: Buffer, signal: AbortSignal): Promise<number> {
    const file = this.#idle.pop() ?? (await this.#next(signal))
    try {
      return await this.#fill(file, offset, into, SMALLER, signal)
    } finally {
      // What was left behind still reads on it.
      void file.settled().then(() => this.#give(file))
    }
  }

  async #next(signal: AbortSignal): Promise<OwnedFile> {
    const { promise, resolve } = Promise.withResolvers<OwnedFile>()
    this.#waiting.add(resolve)
    try {
      return await abandonable(promise, signal)
    } catch (error) {
      // What came at the same moment goes on to the next one.
      if (!this.#waiting.delete(resolve)) promise.then((file) => this.#give(file))
      throw error
    }
  }

  #give(file: OwnedFile): void {
    const [waiting] = this.#waiting
    if (waiting !== undefined) {
      this.#waiting.delete(waiting)
      waiting(file)
    } else if (this.#closed) file[Symbol.dispose]()
    else this.#idle.push(file)
  }

  async #fill(
    file: OwnedFile,
    offset: bigint,
    into: Buffer,
    smaller: readonly number[],
    signal: AbortSignal,
  ): Promise<number> {
    let filled = 0
    try {
      while (filled < into.length) {
        const bytesRead = await file.read(into.subarray(filled), offset + BigInt(filled), signal)
        if (bytesRead === 0) break
        filled += bytesRead
      }
    } catch (error) {
      signal.throwIfAborted()
      if (!UNREADABLE.has((error as NodeJS.ErrnoException).code ?? ''))
        throw cannot(`read ${into.length} bytes of ${file.path} at 0x${offset.toString(16)}`, error)
    }
    if (filled === into.length) return 0
    const [size, ...rest] = smaller
    if (size === undefined) {
      into.fill(0, filled)
      return into.length - filled
    }
    let lost = 0
    for (let at = filled; at < into.length; ) {
      const end = Math.min(into.length, Math.floor(at / size) * size + size)
      lost += await this.#fill(file, offset + BigInt(at), into.subarray(at, end), rest, signal)
      at = end
    }
    return lost
  }

  /** Closes what is idle; a descriptor that is still being read from is closed when that ends, if ever. */
  [Symbol.dispose](): void {
    this.#closed = true
    for (const file of this.#idle.splice(0)) file[Symbol.dispose]()
  }
}

/** Opens /proc/kcore below `root`, `descriptors` times. */
export async function openKcore(root: string, descriptors: number, signal: AbortSignal): Promise<KcoreReader> {
  using owned = new DisposableStack()
  const files: OwnedFile[] = []
  while (files.length < descriptors) files.push(owned.use(await openKernelFile(join(root, 'proc/kcore'), signal)))
  owned.move()
  return new KcoreReader(files)
}
