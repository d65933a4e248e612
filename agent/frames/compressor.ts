import zlib from 'node:zlib'
import { freedWhenBack, type Lease } from '../streams/lease.ts'
import { cannot } from '../words/cannot.ts'
import { FRAME_STORED_MAX } from './marker.ts'

/**
 * Output comes in memory of this size, frame after frame. Where a whole frame has room, zstd compresses from the input as it
 * lies there (ZSTD_compressStream2 in zstd.h); else it copies through its window, for a tenth more of processor time.
 */
const OUTPUT_BYTES = FRAME_STORED_MAX

/** As many zstd contexts as have ever been at work at once. */
export class Compressors implements Disposable {
  readonly #level: number
  readonly #all = new DisposableStack()
  readonly #idle: Compressor[] = []

  constructor(level: number) {
    this.#level = level
  }

  /** The frame of a block, in pieces. */
  async compress(block: Buffer): Promise<readonly Lease[]> {
    const compressor = this.#idle.pop() ?? this.#all.use(new Compressor(this.#level))
    const frame = await compressor.compress(block)
    this.#idle.push(compressor)
    return frame
  }

  [Symbol.dispose](): void {
    this.#all.dispose()
  }
}

/**
 * A zstd context that turns blocks into frames, one at a time. It is kept, because what zlib's one-shot function allocates
 * (1.3 MiB) is freed only with its object, by the garbage collector, which does not know of it.
 */
class Compressor implements Disposable {
  readonly #zstd: zlib.ZstdCompress
  readonly #lend = freedWhenBack()
  #pieces: Lease[] = []

  constructor(level: number) {
    this.#zstd = zlib.createZstdCompress({
      // Each write is a whole frame, which then has its content size, too.
      flush: zlib.constants.ZSTD_e_end,
      chunkSize: OUTPUT_BYTES,
      params: { [zlib.constants.ZSTD_c_compressionLevel]: level, [zlib.constants.ZSTD_c_checksumFlag]: 1 },
    })
    this.#zstd.on('data', (piece: Buffer) => this.#pieces.push(this.#lend(piece)))
    this.#zstd.on('error', () => {}) // the write says it
  }

  /** Not to be called again before it has settled. */
  async compress(block: Buffer): Promise<readonly Lease[]> {
    await new Promise<void>((resolve, reject) => {
      this.#zstd.write(block, (error) => (error ? reject(error) : resolve()))
    }).catch((error: unknown) => {
      throw cannot(`compress a block of ${block.length} bytes`, error)
    })
    while (this.#zstd.read() !== null); // what has not been handed to the listener yet
    const frame = this.#pieces
    this.#pieces = []
    return frame
  }

  [Symbol.dispose](): void {
    this.#zstd.destroy()
  }
}
