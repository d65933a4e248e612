import { createGunzip, createZstdDecompress } from 'node:zlib'
import type { ReadAt } from '../elf/core-layout.ts'
import { START_BYTES } from '../elf/start-of.ts'
import type { OpenFile } from '../host/open-file.ts'

/** As much of a compressed core as is read for the start of what it holds. */
const COMPRESSED_BYTES = 4 * 1024 * 1024
/** What goes through a decompressor at a time. */
const CHUNK_BYTES = 256 * 1024
/** Skippable frames that are passed over: RFC 8878, 3.1.2. */
const SKIPPABLE = 0x184d2a50
const MOST_SKIPPED = 64

/** Whether it can be told what is in a file with this suffix. */
export const isUnpacked = (suffix: string): boolean => ['', '.zst', '.gz'].includes(suffix)

/** What unpacks a file with this suffix; undefined where Node has nothing that does. */
export function unpacker(suffix: string, chunkSize = CHUNK_BYTES) {
  if (suffix === '.zst') return createZstdDecompress({ chunkSize })
  return suffix === '.gz' ? createGunzip({ chunkSize }) : undefined
}

/** What a core holds that is open: anywhere in a plain one, in the first START_BYTES of one that Node can decompress, else nowhere. */
export class CoreStart implements Disposable {
  readonly #file: OpenFile
  readonly #suffix: string
  readonly #signal: AbortSignal
  #unpacking: AsyncGenerator<Buffer, void, void> | undefined
  #start: Buffer = Buffer.alloc(0)

  /** The file stays the caller's. */
  constructor(file: OpenFile, suffix: string, signal: AbortSignal) {
    this.#file = file
    this.#suffix = suffix
    this.#signal = signal
  }

  readonly readAt: ReadAt = async (at, length) => {
    if (this.#suffix === '') return await this.#file.handle.bytesAt(at, length, this.#signal)
    this.#unpacking ??= unpacking(this.#file, this.#suffix, this.#signal)
    const parts = [this.#start]
    for (let bytes = this.#start.length; bytes < Math.min(at + length, START_BYTES); ) {
      const step = await this.#unpacking.next()
      if (step.done === true) break
      parts.push(step.value)
      bytes += step.value.length
    }
    if (parts.length > 1) this.#start = Buffer.concat(parts)
    return this.#start.subarray(at, at + length)
  };

  [Symbol.dispose](): void {
    this.#unpacking?.return().catch(() => {})
  }
}

async function* unpacking(file: OpenFile, suffix: string, signal: AbortSignal): AsyncGenerator<Buffer, void, void> {
  const decompressor = unpacker(suffix)
  if (decompressor === undefined) return
  const from = suffix === '.zst' ? await firstFrame(file, signal) : 0
  decompressor.end(await file.handle.bytesAt(from, COMPRESSED_BYTES, signal))
  try {
    for await (const part of decompressor as AsyncIterable<Buffer>) {
      signal.throwIfAborted()
      yield part
    }
  } catch {
    // Cut there, or no such format, which the walk over its frames says better.
    signal.throwIfAborted()
  } finally {
    decompressor.destroy()
  }
}

/** Where the first frame with content begins: others may lie before it, however long they are. */
async function firstFrame(file: OpenFile, signal: AbortSignal): Promise<number> {
  let at = 0
  for (let skipped = 0; skipped < MOST_SKIPPED; skipped++) {
    const head = await file.handle.bytesAt(at, 8, signal)
    if (head.length < 8 || (head.readUInt32LE(0) & ~0xf) >>> 0 !== SKIPPABLE) break
    at += 8 + head.readUInt32LE(4)
  }
  return at
}
