import { type Lease, unlent } from '../streams/lease.ts'
import { abandonable } from '../words/deadline.ts'
import { Compressors } from './compressor.ts'
import { contentHash, isZeros, ZEROS, zeroFrame } from './zeros.ts'

/** A block that has become a frame. */
export interface Compressed {
  readonly plainLength: number
  /** Of the block. */
  readonly sha256: Buffer
  /** In pieces. */
  readonly frame: readonly Lease[]
}

/** Keeps `atOnce` blocks being read, compressed or waiting for their turn, also while the consumer is busy. */
export class Compression {
  readonly #blocks: AsyncGenerator<Lease, void, void>
  readonly #atOnce: number
  readonly #signal: AbortSignal
  readonly #compressors: Compressors
  readonly #inFlight: Promise<Compressed>[] = []
  #reading: Promise<void> | undefined
  #ended = false
  #failure: { readonly error: unknown } | undefined

  /** Owns the blocks. `level`: zstd's. */
  constructor(blocks: AsyncGenerator<Lease, void, void>, level: number, atOnce: number, signal: AbortSignal) {
    this.#blocks = blocks
    this.#compressors = new Compressors(level)
    this.#atOnce = atOnce
    this.#signal = signal
  }

  /** The frames in order; when the blocks fail, those of all that came before, and then the error. Read it once. */
  async *frames(): AsyncGenerator<Compressed, void, void> {
    try {
      for (;;) {
        this.#readOn()
        const oldest = this.#inFlight[0]
        if (oldest !== undefined) {
          const next = await abandonable(oldest, this.#signal)
          this.#inFlight.shift()
          this.#readOn()
          yield next
        } else if (this.#reading !== undefined) await abandonable(this.#reading, this.#signal)
        else break
      }
      if (this.#failure !== undefined) throw this.#failure.error
    } finally {
      this.#giveUp()
    }
  }

  #readOn(): void {
    if (this.#ended || this.#reading !== undefined || this.#inFlight.length >= this.#atOnce) return
    this.#reading = this.#blocks
      .next()
      .then(({ done, value }) => {
        if (done === true) this.#ended = true
        else this.#begin(value)
      })
      .catch((error: unknown) => {
        this.#ended = true
        this.#failure = { error }
      })
      .finally(() => {
        this.#reading = undefined
        this.#readOn()
      })
  }

  #begin(block: Lease): void {
    if (this.#ended) {
      block.release() // given up while it was read
      return
    }
    const frame = this.#compress(block)
    frame.catch(() => {}) // it may fail while an older one is awaited, or after everything has been given up
    this.#inFlight.push(frame)
  }

  async #compress(block: Lease): Promise<Compressed> {
    const { bytes } = block
    if (isZeros(bytes)) {
      block.release()
      return { plainLength: bytes.length, sha256: contentHash(ZEROS), frame: [unlent(zeroFrame())] }
    }
    const frame = await this.#compressors.compress(bytes)
    const compressed = { plainLength: bytes.length, sha256: contentHash(bytes), frame }
    block.release()
    return compressed
  }

  #giveUp(): void {
    this.#ended = true
    for (const unwanted of this.#inFlight)
      unwanted.then(
        ({ frame }) => {
          for (const { release } of frame) release()
        },
        () => {},
      )
    this.#compressors[Symbol.dispose]()
    // A source that hangs in its read answers only when the read ends: nobody waits for it.
    this.#blocks.return().catch(() => {})
  }
}
