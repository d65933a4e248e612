import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { cannot } from '../../words/cannot.ts'
import { abandonable } from '../../words/deadline.ts'
import { openKernelFile } from '../host/read-file.ts'

/** Where one read fails, smaller ones find out how little is lost. Bytes; the last is the smallest page there is. */
const SMALLER = [64 * 1024, 4096]
/** What the kernel answers for memory that is there on paper only (fs/proc/kcore.c): unplugged, encrypted, a device's. */
const UNREADABLE = new Set(['EFAULT', 'ENOMEM', 'EIO'])

/**
 * /proc/kcore with a descriptor for each read in flight: two reads on one descriptor share a buffer in the kernel and
 * corrupt each other (51 to 85 of 600 on 6.1, 223 of 600 on 6.12).
 */
export class KcoreReader implements AsyncDisposable {
  readonly #path: string
  readonly #idle: FileHandle[]
  readonly #waiting = new Set<(handle: FileHandle) => void>()
  #closed = false

  constructor(path: string, handles: FileHandle[]) {
    this.#path = path
    this.#idle = handles
  }

  /**
   * Fills `into` from `offset` on. Gives the bytes that could not be read: they are zeros. Calls may overlap; those that find
   * no free descriptor wait. A read that hangs is left behind when the signal aborts, with its descriptor.
   */
  async read(offset: bigint, into: Buffer, signal: AbortSignal): Promise<number> {
    const handle = this.#idle.pop() ?? (await this.#next(signal))
    const reading = this.#fill(handle, offset, into, SMALLER).finally(() => this.#give(handle))
    return await abandonable(reading, signal)
  }

  async #next(signal: AbortSignal): Promise<FileHandle> {
    const { promise, resolve } = Promise.withResolvers<FileHandle>()
    this.#waiting.add(resolve)
    try {
      return await abandonable(promise, signal)
    } catch (error) {
      // What came at the same moment goes on to the next one.
      if (!this.#waiting.delete(resolve)) promise.then((handle) => this.#give(handle))
      throw error
    }
  }

  #give(handle: FileHandle): void {
    const [waiting] = this.#waiting
    if (waiting !== undefined) {
      this.#waiting.delete(waiting)
      waiting(handle)
    } else if (this.#closed) handle.close().catch(() => {})
    else this.#idle.push(handle)
  }

  async #fill(handle: FileHandle, offset: bigint, into: Buffer, smaller: readonly number[]): Promise<number> {
    let filled = 0
    try {
      while (filled < into.length) {
        const { bytesRead } = await handle.read(into, filled, into.length - filled, offset + BigInt(filled))
        if (bytesRead === 0) break
        filled += bytesRead
      }
    } catch (error) {
      if (!UNREADABLE.has((error as NodeJS.ErrnoException).code ?? ''))
        throw cannot(`read ${into.length} bytes of ${this.#path} at 0x${offset.toString(16)}`, error)
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
      lost += await this.#fill(handle, offset + BigInt(at), into.subarray(at, end), rest)
      at = end
    }
    return lost
  }

  /** Closes what is idle; a descriptor that is still being read from is closed when that ends, if ever. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await Promise.all(this.#idle.splice(0).map((handle) => handle.close()))
  }
}

/** Opens /proc/kcore below `root`, `descriptors` times. */
export async function openKcore(root: string, descriptors: number, signal: AbortSignal): Promise<KcoreReader> {
  const path = join(root, 'proc/kcore')
  const handles: FileHandle[] = []
  try {
    while (handles.length < descriptors) handles.push(await openKernelFile(path, signal))
  } catch (error) {
    await Promise.all(handles.map((handle) => handle.close()))
    throw error
  }
  return new KcoreReader(path, handles)
}
