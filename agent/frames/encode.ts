import { createHash, type Hash } from 'node:crypto'
import { pieceCounter } from '../streams/give-back.ts'
import { abandonable } from '../words/deadline.ts'
import { Compressor } from './compressor.ts'
import { FRAME_BYTES, formatDigest, formatMarker } from './marker.ts'
import { type Entry, formatSeekTable } from './seek-table.ts'
import { contentHash, isZeros, ZEROS, zeroFrame } from './zeros.ts'

/**
 * zstd's level. 3 stores about a tenth less than 1 and takes half as much processor time again: worth it only where
 * the network is the bottleneck, and the dying host has others who want its processor.
 */
export const LEVEL = 1
/** Blocks being read, compressed or waiting for their turn: two cores stay busy while the consumer is. */
export const BLOCKS = 4

export interface FramingOptions {
  /** zstd's compression level, 1 to 19. */
  readonly level?: number
  /** How many blocks to hold at once; each takes up to twice FRAME_BYTES. */
  readonly blocks?: number
}

export interface Framing {
  /** What is to be stored, in order. Read it once. A buffer that is done with may be handed back by `next(buffer)`. */
  readonly stored: AsyncIterable<Buffer>
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
  /** Of the block. */
  readonly sha256: Buffer
  /** In pieces. */
  readonly frame: readonly Buffer[]
}

async function* written(
  blocks: AsyncIterable<Compressed>,
  tally: Tally,
): AsyncGenerator<Buffer, void, Buffer | undefined> {
  const takeBack = pieceCounter()
  const count = (stored: number, plain: number): void => {
    tally.entries.push({ stored, plain })
    tally.storedBytes += stored
    tally.plainBytes += plain
  }
  for await (const { block, sha256, frame } of blocks) {
    const place = { storedOffset: tally.storedBytes, plainOffset: tally.plainBytes }
    const storedLength = frame.reduce((sum, { length }) => sum + length, 0)
    const marker = formatMarker({ ...place, storedLength, plainLength: block.length })
    count(marker.length, 0)
    yield marker
    tally.hash.update(sha256)
    tally.frames += 1
    count(storedLength, block.length)
    for (const piece of frame) if ((yield piece) === piece) takeBack(piece)
  }
  const { frames, plainBytes } = tally
  const digest = formatDigest({ frames, plainBytes, sha256: tally.hash.copy().digest() })
  count(digest.length, 0)
  yield digest
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
  const spent: Buffer[] = []
  using compressors = new DisposableStack()
  const idle: Compressor[] = []
  const inFlight: Promise<Compressed>[] = []
  let reading: Promise<void> | undefined
  let ended = false
  let failure: { readonly error: unknown } | undefined
  const compress = async (block: Buffer): Promise<Compressed> => {
    if (isZeros(block)) return { block, sha256: contentHash(ZEROS), frame: [zeroFrame()] }
    const compressor = idle.pop() ?? compressors.use(new Compressor(level))
    const frame = await compressor.compress(block)
    idle.push(compressor)
    return { block, sha256: contentHash(block), frame }
  }
  const begin = (block: Buffer): void => {
    const frame = compress(block)
    frame.catch(() => {}) // it may fail while an older one is awaited, or after everything has been given up
    inFlight.push(frame)
  }
  const readOn = (): void => {
    if (ended || reading !== undefined || inFlight.length >= limit) return
    reading = source
      .next(spent.pop())
      .then((step) => {
        if (step.done === true) ended = true
        else begin(step.value)
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
        const next = await abandonable(oldest, signal)
        inFlight.shift()
        readOn()
        yield next
        spent.push(next.block)
      } else if (reading !== undefined) await abandonable(reading, signal)
      else break
    }
    if (failure !== undefined) throw failure.error
  } finally {
    ended = true
    // A source that hangs in its read answers only when the read ends: nobody waits for it.
    source.return().catch(() => {})
  }
}

/**
 * The same content in blocks of FRAME_BYTES, the last one shorter, and so one before an empty chunk; also what was gathered when
 * the source throws. A block that is handed back by `next` goes back to the source, if it was a chunk of it.
 */
async function* blocksOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, Buffer | undefined> {
  const source = chunks[Symbol.asyncIterator]()
  const lent = new Set<Buffer>()
  const spent: Buffer[] = []
  const takeBack = (block: Buffer | undefined): void => {
    if (block !== undefined && lent.delete(block)) spent.push(block)
  }
  let block = Buffer.alloc(0)
  let filled = 0
  try {
    for (let step = await source.next(); step.done !== true; step = await source.next(spent.pop())) {
      let chunk: Buffer = step.value
      if (filled === 0 && chunk.length === FRAME_BYTES) {
        lent.add(chunk)
        takeBack(yield chunk)
        continue
      }
      if (chunk.length === 0 && filled > 0) {
        const short = block.subarray(0, filled)
        filled = 0
        takeBack(yield short)
      }
      while (chunk.length > 0) {
        if (filled === 0) block = Buffer.allocUnsafeSlow(FRAME_BYTES)
        const copied = chunk.copy(block, filled)
        filled += copied
        chunk = chunk.subarray(copied)
        if (filled === FRAME_BYTES) {
          filled = 0
          takeBack(yield block)
        }
      }
    }
  } catch (error) {
    if (filled > 0) yield block.subarray(0, filled)
    throw error
  } finally {
    await source.return?.()
  }
  if (filled > 0) yield block.subarray(0, filled)
}
