import { randomBytes } from 'node:crypto'
import { endingWith } from '../streams/ending-with.ts'
import { Filling } from '../streams/filling.ts'
import { free } from '../streams/free.ts'
import { type Lease, unlent } from '../streams/lease.ts'
import { Pool } from '../streams/pool.ts'
import { cannot } from '../words/cannot.ts'
import { FILE_KEY_BYTES, headerMac, wrapFileKey } from './file-key.ts'
import { formatMac, formatStanzas } from './header.ts'
import type { Recipient } from './keys.ts'
import { CHUNK_BYTES, NONCE_BYTES, payloadKey, STORED_CHUNK_BYTES, sealChunk } from './payload.ts'

/** Most that is yielded at a time: 16 chunks, half a millisecond of the main thread. */
const BATCH_BYTES = 16 * STORED_CHUNK_BYTES

/** Batches of one file: one is filled while the one before it is on its way. */
const BATCHES = 2

/**
 * Content sealed to all of the recipients, as an age v1 file: header first, then buffers of about 1 MiB.
 * When `chunks` throws, what was sealed before is yielded and the error follows; the file then has no last chunk.
 */
export async function* sealed(
  chunks: AsyncIterable<Lease>,
  recipients: readonly Recipient[],
  signal: AbortSignal,
): AsyncGenerator<Lease, void, void> {
  if (recipients.length === 0) throw cannot('seal', 'there is no recipient; set seal.recipients')
  const fileKey = randomBytes(FILE_KEY_BYTES)
  const nonce = randomBytes(NONCE_BYTES)
  const key = payloadKey(fileKey, nonce)
  const stanzas = formatStanzas(recipients.map((recipient) => wrapFileKey(fileKey, recipient)))
  yield unlent(Buffer.concat([stanzas, formatMac(headerMac(fileKey, stanzas)), nonce]))

  using pool = new Pool(BATCH_BYTES, BATCHES)
  const cutter = new Cutter()
  let batch: Filling | undefined
  let index = 0
  try {
    for await (const { bytes, release } of endingWith(chunks, signal)) {
      for (const chunk of cutter.cut(bytes)) {
        batch ??= new Filling(await pool.lease(signal))
        addTo(batch, sealChunk(key, index++, false, chunk))
        if (!batch.isFull) continue
        const full = batch.lease()
        batch = undefined
        yield full
      }
      release()
    }
    batch ??= new Filling(await pool.lease(signal))
    addTo(batch, sealChunk(key, index, true, cutter.rest()))
  } catch (error) {
    if (batch !== undefined && !signal.aborted) yield batch.lease()
    throw error
  }
  yield batch.lease()
}

function addTo(batch: Filling, pieces: readonly Buffer[]): void {
  for (const piece of pieces) {
    batch.fill(piece)
    if (piece.length === piece.buffer.byteLength) free(piece.buffer)
  }
}

/** Cuts content into chunks of CHUNK_BYTES. */
class Cutter {
  readonly #chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES)
  #filled = 0

  /** What is left at the end: the last chunk. */
  rest(): Buffer {
    return this.#chunk.subarray(0, this.#filled)
  }

  /** Chunks that have something behind them, each to be sealed before the next one is asked for. */
  *cut(bytes: Buffer): Generator<Buffer, void, void> {
    for (let taken = 0; taken < bytes.length; ) {
      if (this.#filled === CHUNK_BYTES) {
        yield this.#chunk
        this.#filled = 0
      }
      // Whole ones are sealed where they lie.
      for (; this.#filled === 0 && bytes.length - taken > CHUNK_BYTES; taken += CHUNK_BYTES)
        yield bytes.subarray(taken, taken + CHUNK_BYTES)
      const copied = bytes.copy(this.#chunk, this.#filled, taken)
      this.#filled += copied
      taken += copied
    }
  }
}
