import { closeSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'

/** /proc/stat of 500 processors is as long; what is not used of it is not there (MAP_NORESERVE). */
const FILE_BYTES = 256 * 1024

/**
 * Small files that are read again and again: kept open, and read from their beginning, which costs a third and, on a host without memory or
 * descriptors, nothing that is scarce. At once, as `read-now.ts` does, and only for files that the kernel gives without waiting for a lock
 * that anybody may hold for long.
 */
export class KeptFiles implements Disposable {
  readonly #root: string
  readonly #open = new Map<string, number>()
  readonly #buffer = Buffer.allocUnsafeSlow(FILE_BYTES)

  constructor(root: string) {
    this.#root = root
  }

  /** What a file says now, a character for each byte; nothing of one that cannot be read. */
  read(path: string): string {
    try {
      return this.#content(this.#open.get(path) ?? this.#opened(path), 0)
    } catch {
      this.close(path)
      return ''
    }
  }

  /** The same of a file that is read once in a while. */
  glance(path: string): string {
    let fd: number | undefined
    try {
      fd = openSync(join(this.#root, path), 'r')
      return this.#content(fd, null)
    } catch {
      return ''
    } finally {
      if (fd !== undefined) closeSync(fd)
    }
  }

  /** One that is not read again soon. */
  close(path: string): void {
    const fd = this.#open.get(path)
    if (fd !== undefined) closeSync(fd)
    this.#open.delete(path)
  }

  [Symbol.dispose](): void {
    for (const path of [...this.#open.keys()]) this.close(path)
  }

  #content(fd: number, from: number | null): string {
    return this.#buffer.toString('latin1', 0, readSync(fd, this.#buffer, 0, FILE_BYTES, from))
  }

  #opened(path: string): number {
    const fd = openSync(join(this.#root, path), 'r')
    this.#open.set(path, fd)
    return fd
  }
}
