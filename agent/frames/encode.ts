import { createHash, type Hash } from 'node:crypto'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { cannot } from '../cannot.ts'
import { unlessAborted } from './intake.ts'
import { FRAME_BYTES, FRAME_STORED_MAX, formatDigest, formatMarker } from './marker.ts'
import { type Entry, formatSeekTable } from './seek-table.ts'

/**
 * zstd's level. 3 stores about a tenth less than 1 and takes half as much processor time again: worth it only where
 * the network is the bottleneck, and the dying host has others who want its processor.
 */
export const LEVEL = 1
/** Blocks being read or compressed at a time: one for each of two cores, and one ready for the first that is free. */
export const BLOCKS = 3
/** Compressed output is gathered in buffers of this size: one or two for a frame of usual content. */
const OUTPUT_BYTES = 1024 * 1024

export interface FramingOptions {
  /** zstd's compression level, 1 to 19. */
  readonly level?: number
  /** How many blocks to hold at once; each takes up to twice FRAME_BYTES. */
  readonly blocks?: number
}

export interface Framing {
  /** What is to be stored, in order. Read it once. */
  readonly stored: AsyncIterable<Buffer>
  /** What has been yielded so far; final once `stored` has ended. */
  summary(): FramesSummary
}

export interface FramesSummary {
  readonly plainBytes: number
  readonly storedBytes: number
  readonly frames: number
  /** Of the plain content, in hex. */
  readonly sha256: string
}

/**
 * Compresses content into independent zstd frames, in parallel and in order: the format of FRAMES.md.
 * When `chunks` ends early, what comes out is whole and holds less; when it throws, everything read until then is
 * yielded as frames and the error follows, without digest and table. The signal ends it at once.
 */
export function frames(chunks: AsyncIterable<Buffer>, options: FramingOptions, signal: AbortSignal): Framing {
  const tally: Tally = { hash: createHash('sha256'), plainBytes: 0, storedBytes: 0, frames: 0, entries: [] }
  return {
    stored: written(compressed(chunks, options.level ?? LEVEL, options.blocks ?? BLOCKS, signal), tally),
    summary: () => ({
      plainBytes: tally.plainBytes,
      storedBytes: tally.storedBytes,
      frames: tally.frames,
      sha256: tally.hash.copy().digest('hex'),
    }),
  }
}

interface Tally {
  readonly hash: Hash
  readonly entries: Entry[]
  plainBytes: number
  storedBytes: number
  frames: number
}

interface Compressed {
  readonly block: Buffer
  readonly frame: Buffer
}

async function* written(blocks: AsyncIterable<Compressed>, tally: Tally): AsyncGenerator<Buffer, void, void> {
  const count = (bytes: Buffer, plain: number): Buffer => {
    tally.entries.push({ stored: bytes.length, plain })
    tally.storedBytes += bytes.length
    tally.plainBytes += plain
    return bytes
  }
  for await (const { block, frame } of blocks) {
    const place = { storedOffset: tally.storedBytes, plainOffset: tally.plainBytes }
    const lengths = { storedLength: frame.length, plainLength: block.length }
    yield count(formatMarker({ ...place, ...lengths }), 0)
    tally.hash.update(block)
    tally.frames += 1
    yield count(frame, block.length)
  }
  const { frames, plainBytes } = tally
  yield count(formatDigest({ frames, plainBytes, sha256: tally.hash.copy().digest() }), 0)
  const table = formatSeekTable(tally.entries)
  tally.storedBytes += table.length
  yield table
}

/** Keeps `limit` blocks being read or compressed, also while the consumer is busy, and yields them in order. */
async function* compressed(
  chunks: AsyncIterable<Buffer>,
  level: number,
  limit: number,
  signal: AbortSignal,
): AsyncGenerator<Compressed, void, void> {
  const source = blocksOf(chunks)
  const inFlight: Promise<Compressed>[] = []
  let reading: Promise<void> | undefined
  let ended = false
  let failure: { readonly error: unknown } | undefined
  const readOn = (): void => {
    if (ended || reading !== undefined || inFlight.length >= limit) return
    reading = source
      .next()
      .then((step) => {
        if (step.done === true) ended = true
        else inFlight.push(compress(step.value, level))
      })
      .catch((error: unknown) => {
        ended = true
        failure = { error }
      })
      .finally(() => {
        reading = undefined
        readOn()
      })
  }
  try {
    while (true) {
      readOn()
      const oldest = inFlight[0]
      if (oldest !== undefined) {
        const next = await unlessAborted(oldest, signal)
        inFlight.shift()
        readOn()
        yield next
      } else if (reading !== undefined) await unlessAborted(reading, signal)
      else break
    }
    if (failure !== undefined) throw failure.error
  } finally {
    ended = true
    // A source that hangs in its read answers only when the read ends: nobody waits for it.
    source.return().catch(() => {})
  }
}

function compress(block: Buffer, level: number): Promise<Compressed> {
  const params = {
    [zlib.constants.ZSTD_c_compressionLevel]: level,
    [zlib.constants.ZSTD_c_checksumFlag]: 1,
  }
  const chunkSize = Math.min(OUTPUT_BYTES, FRAME_STORED_MAX - FRAME_BYTES + block.length)
  const result = promisify(zlib.zstdCompress)(block, { chunkSize, params, pledgedSrcSize: block.length }).then(
    (frame) => ({ block, frame }),
    (error: unknown) => Promise.reject(cannot(`compress a block of ${block.length} bytes`, error)),
  )
  result.catch(() => {}) // it may fail while an older one is awaited, or after everything has been given up
  return result
}

/** The same content in blocks of FRAME_BYTES, the last one shorter; also what was gathered when the source throws. */
async function* blocksOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  let block = Buffer.alloc(0)
  let filled = 0
  try {
    for await (let chunk of chunks) {
      while (chunk.length > 0) {
        if (filled === 0 && chunk.length >= FRAME_BYTES) {
          yield chunk.subarray(0, FRAME_BYTES)
          chunk = chunk.subarray(FRAME_BYTES)
          continue
        }
        if (filled === 0) block = Buffer.allocUnsafeSlow(FRAME_BYTES)
        const copied = chunk.copy(block, filled)
        filled += copied
        chunk = chunk.subarray(copied)
        if (filled === FRAME_BYTES) {
          filled = 0
          yield block
        }
      }
    }
  } catch (error) {
    if (filled > 0) yield block.subarray(0, filled)
    throw error
  }
  if (filled > 0) yield block.subarray(0, filled)
}
