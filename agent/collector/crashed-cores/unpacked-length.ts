import { setTimeout as sleep } from 'node:timers/promises'
import { free } from '../../streams/free.ts'
import { sentence } from '../../words/cannot.ts'
import { unpacker } from './core-start.ts'

/** What waits to be decompressed at most: a core that passes by faster than that goes on without being counted. */
const WAITING_BYTES = 16 * 1024 * 1024
/** What comes out at a time. */
const OUTPUT_BYTES = 1024 * 1024
/** ms that the end of a count is waited for once all has been read: less than counts as a hang (STALL_MS of plan/budget.ts). */
const ENDING_MS = 2_000
/** Errors of zstd that say nothing against the file: it wants more memory than we give, or a dictionary. */
const OURS = /MEMORY|memory|windowTooLarge|dictionary/i

/** How much a compressed file holds; `slow` where the processor did not keep up, `damaged` with why it does not unpack. */
export type Unpacked =
  | { readonly kind: 'counted'; readonly bytes: number }
  | { readonly kind: 'slow' | 'unknown' }
  | { readonly kind: 'damaged'; readonly why: string }

/** Counts what a compressed file holds while it passes by, on a thread of the pool. What comes out is thrown away. */
export class UnpackedLength implements Disposable {
  readonly #unpacker: ReturnType<typeof unpacker>
  #bytes = 0
  #waiting = 0
  #end: Unpacked | undefined

  constructor(suffix: string) {
    this.#unpacker = unpacker(suffix, OUTPUT_BYTES)
    if (this.#unpacker === undefined) this.#end = { kind: 'unknown' }
    this.#unpacker?.on('data', (piece: Buffer) => {
      this.#bytes += piece.length
      if (piece.length === piece.buffer.byteLength) free(piece.buffer)
    })
    this.#unpacker?.on('end', () => {
      this.#end ??= { kind: 'counted', bytes: this.#bytes }
    })
    this.#unpacker?.on('error', (error: Error & { code?: string }) => {
      const isOurs = OURS.test(`${error.code} ${error.message}`)
      this.#end ??= isOurs ? { kind: 'unknown' } : { kind: 'damaged', why: sentence(error) }
    })
  }

  /** The next bytes of the file. They may be used again at once. */
  push(chunk: Buffer): void {
    if (this.#end !== undefined) return
    if (this.#waiting + chunk.length > WAITING_BYTES) {
      this.#end = { kind: 'slow' }
      this[Symbol.dispose]()
      return
    }
    this.#waiting += chunk.length
    this.#unpacker?.write(Buffer.from(chunk), () => {
      this.#waiting -= chunk.length
    })
  }

  /** After the last byte: what it was, which takes ENDING_MS at most. */
  async ended(signal: AbortSignal): Promise<Unpacked> {
    if (this.#end === undefined && this.#unpacker !== undefined) {
      const timer = new AbortController()
      const { promise, resolve } = Promise.withResolvers<void>()
      for (const event of ['end', 'error'] as const) this.#unpacker.once(event, () => resolve())
      this.#unpacker.end()
      const late = sleep(ENDING_MS, undefined, { signal: AbortSignal.any([signal, timer.signal]) }).catch(() => {})
      await Promise.race([promise, late])
      timer.abort()
    }
    this[Symbol.dispose]()
    return this.#end ?? { kind: 'slow' }
  }

  [Symbol.dispose](): void {
    this.#unpacker?.destroy()
  }
}
