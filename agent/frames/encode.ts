import { createHash } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { type Lease, unlent } from '../streams/lease.ts'
import { blocksOf } from './blocks.ts'
import { type Compressed, Compression } from './compression.ts'
import { FRAME_BYTES, formatDigest, formatMarker } from './marker.ts'
import { type Entry, formatSeekTable } from './seek-table.ts'

/**
 * zstd's level. 3 stores about a tenth less than 1 and takes half as much processor time again: worth it only where
 * the network is the bottleneck, and the dying host has others who want its processor.
 */
export const LEVEL = 1
/** Blocks that no processor works on: one is being read, one waits for its turn. */
const BESIDE = 2
/**
 * Bytes of memory for blocks and their frames, of the 200 MiB that both processes may take: idle they have 50, the parts under way
 * 72, what is read ahead, sealed and on the wall a good 20. More processors than these blocks keep busy would wait for the hashes.
 */
const MEMORY = 40 * 1024 * 1024
const BLOCKS_MOST = MEMORY / (2 * FRAME_BYTES)

/** Blocks to be held at once: all processors stay busy while the consumer is, as far as there is memory for it. */
export function blocksAtOnce(processors = availableParallelism()): number {
  return Math.min(processors + BESIDE, BLOCKS_MOST)
}

export interface FramingOptions {
  /** zstd's compression level, 1 to 19. */
  readonly level?: number
  /** How many blocks to hold at once; each takes up to twice FRAME_BYTES. */
  readonly blocks?: number
}

export interface Framing {
  /** What is to be stored, in order. Read it once. */
  readonly stored: AsyncIterable<Lease>
  /** What has been yielded so far; final once `stored` has ended. */
  summary(): FramesSummary
}

export interface FramesSummary {
  readonly plainBytes: number
  readonly storedBytes: number
  readonly frames: number
  /** Of the SHA-256 of each frame's content, one after the other, in hex. */
  readonly sha256: string
}

/**
 * Compresses content into independent zstd frames, in parallel and in order: the format of FRAMES.md.
 * An empty chunk says that nothing more comes for now: what has been read until then becomes a frame, of which a reader takes
 * SHORT_FRAMES_MAX. When `chunks` ends early, what comes out is whole and holds less; when it throws, everything read until then
 * is yielded as frames and the error follows, without digest and table. The signal ends it at once.
 */
export function frames(chunks: AsyncIterable<Lease>, options: FramingOptions, signal: AbortSignal): Framing {
  const { level = LEVEL, blocks = blocksAtOnce() } = options
  const compression = new Compression(blocksOf(chunks, blocks, signal), level, blocks, signal)
  const written = new WrittenFrames()
  return { stored: written.write(compression.frames()), summary: () => written.summary() }
}

/** What a stream of frames consists of, counted as it is written. */
class WrittenFrames {
  readonly #hash = createHash('sha256')
  readonly #entries: Entry[] = []
  #plainBytes = 0
  #storedBytes = 0
  #frames = 0

  async *write(compressed: AsyncIterable<Compressed>): AsyncGenerator<Lease, void, void> {
    for await (const { plainLength, sha256, frame } of compressed) {
      const storedLength = frame.reduce((sum, { bytes }) => sum + bytes.length, 0)
      const place = { storedOffset: this.#storedBytes, plainOffset: this.#plainBytes }
      const marker = formatMarker({ ...place, storedLength, plainLength })
      this.#count(marker.length, 0)
      yield unlent(marker)
      this.#hash.update(sha256)
      this.#frames += 1
      this.#count(storedLength, plainLength)
      yield* frame
    }
    const digest = formatDigest({ frames: this.#frames, plainBytes: this.#plainBytes, sha256: this.#sum() })
    this.#count(digest.length, 0)
    yield unlent(digest)
    const table = formatSeekTable(this.#entries)
    this.#storedBytes += table.length
    yield unlent(table)
  }

  summary(): FramesSummary {
    return {
      plainBytes: this.#plainBytes,
      storedBytes: this.#storedBytes,
      frames: this.#frames,
      sha256: this.#sum().toString('hex'),
    }
  }

  #sum(): Buffer {
    return this.#hash.copy().digest()
  }

  #count(stored: number, plain: number): void {
    this.#entries.push({ stored, plain })
    this.#storedBytes += stored
    this.#plainBytes += plain
  }
}
