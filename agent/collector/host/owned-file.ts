import type { Stats } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { abandonable } from '../../words/deadline.ts'
import { toldBytes } from '../../words/host-name.ts'

/** What a file that is made gets: nobody else reads it. */
const MODE = 0o600

/**
 * An open file. What is asked of it is left behind when its signal aborts, and `using` closes it without waiting: a close waits for the read
 * that hangs (Node closes a file once nothing is read from it any more, or that read would get what has its number next), so it goes on alone.
 */
export class OwnedFile implements Disposable {
  readonly path: string
  readonly #handle: FileHandle
  readonly #reading = new Set<Promise<unknown>>()

  constructor(path: string, handle: FileHandle) {
    this.path = path
    this.#handle = handle
  }

  get fd(): number {
    return this.#handle.fd
  }

  /**
   * Reads into a buffer from byte `at` on; null: from where the last read ended. How many bytes it got: fewer than it holds where the file
   * ends, or has no more at hand.
   */
  async read(into: Buffer, at: number | bigint | null, signal: AbortSignal): Promise<number> {
    signal.throwIfAborted()
    const reading = this.#handle.read(into, 0, into.length, at)
    const ended: Promise<unknown> = reading.then(
      () => this.#reading.delete(ended),
      () => this.#reading.delete(ended),
    )
    this.#reading.add(ended)
    return (await abandonable(reading, signal)).bytesRead
  }

  /** The buffer filled from byte `at` on; less of it only where the file ends. */
  async fill(into: Buffer, at: number, signal: AbortSignal): Promise<Buffer> {
    let filled = 0
    while (filled < into.length) {
      const bytesRead = await this.read(into.subarray(filled), at + filled, signal)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return into.subarray(0, filled)
  }

  /** `length` bytes from byte `at` on: fewer where the file ends, none at a place that no file has. */
  async bytesAt(at: number, length: number, signal: AbortSignal): Promise<Buffer> {
    if (!Number.isSafeInteger(at + length)) return Buffer.alloc(0)
    return await this.fill(Buffer.allocUnsafe(length), at, signal)
  }

  async write(bytes: Buffer, at: number, signal: AbortSignal): Promise<void> {
    await abandonable(this.#handle.write(bytes, 0, bytes.length, at), signal)
  }

  async stat(signal: AbortSignal): Promise<Stats> {
    return await abandonable(this.#handle.stat(), signal)
  }

  /** Resolves when nothing is read any more, what was left behind neither; never where that hangs for good. */
  async settled(): Promise<void> {
    await Promise.all(this.#reading)
  }

  [Symbol.dispose](): void {
    this.#handle.close().catch(() => {})
  }
}

/**
 * Opens a file with these flags of open(2). An open that hangs is left behind when the signal aborts, and the file closed then. A path that is
 * no UTF-8 is given as its bytes. Rejects with what the system says, or with the signal's reason.
 */
export async function openOwned(reach: string | Buffer, flags: number, signal: AbortSignal): Promise<OwnedFile> {
  signal.throwIfAborted()
  const path = typeof reach === 'string' ? reach : toldBytes(reach)
  const opening = open(reach, flags, MODE).then((handle) => new OwnedFile(path, handle))
  try {
    return await abandonable(opening, signal)
  } catch (error) {
    opening.then((file) => file[Symbol.dispose]()).catch(() => {})
    throw error
  }
}
