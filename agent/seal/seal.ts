import { randomBytes } from 'node:crypto'
import { release } from '../streams/give-back.ts'
import { cannot } from '../words/cannot.ts'
import { abandonable } from '../words/deadline.ts'
import { FILE_KEY_BYTES, headerMac, wrapFileKey } from './file-key.ts'
import { formatMac, formatStanzas } from './header.ts'
import type { Recipient } from './keys.ts'
import { CHUNK_BYTES, NONCE_BYTES, payloadKey, STORED_CHUNK_BYTES, sealChunk } from './payload.ts'

/** Most that is yielded at a time: 16 chunks, half a millisecond of the main thread. */
const BATCH_BYTES = 16 * STORED_CHUNK_BYTES

/**
 * Content sealed to all of the recipients, as an age v1 file: header first, then buffers of about 1 MiB. One that is done
 * with may be handed back by `next(buffer)`, as `chunks` get theirs back.
 * When `chunks` throws, what was sealed before is yielded and the error follows; the file then has no last chunk.
 */
export async function* sealed(
  chunks: AsyncIterable<Buffer>,
  recipients: readonly Recipient[],
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, Buffer | undefined> {
  if (recipients.length === 0) throw cannot('seal', 'there is no recipient; set seal.recipients')
  const fileKey = randomBytes(FILE_KEY_BYTES)
  const nonce = randomBytes(NONCE_BYTES)
  const key = payloadKey(fileKey, nonce)
  const stanzas = formatStanzas(recipients.map((recipient) => wrapFileKey(fileKey, recipient)))
  yield Buffer.concat([stanzas, formatMac(headerMac(fileKey, stanzas)), nonce])

  let batch = Buffer.allocUnsafeSlow(BATCH_BYTES)
  let filled = 0
  let index = 0
  try {
    for await (const { chunk, last } of cut(chunks, signal)) {
      for (const piece of sealChunk(key, index++, last, chunk)) {
        filled += piece.copy(batch, filled)
        if (piece.length === piece.buffer.byteLength) release(piece.buffer)
      }
      if (!last && filled < BATCH_BYTES) continue
      const full = batch.subarray(0, filled)
      filled = 0
      const spent = yield full
      if (!last && spent !== full) batch = Buffer.allocUnsafeSlow(BATCH_BYTES)
    }
  } catch (error) {
    if (filled > 0 && !signal.aborted) yield batch.subarray(0, filled)
    throw error
  }
}

interface Chunk {
  /** Good until the next one is asked for. */
  readonly chunk: Buffer
  readonly last: boolean
}

/** The same content in chunks of CHUNK_BYTES, the last one shorter. Ends at once when the signal does. */
async function* cut(pieces: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Chunk, void, void> {
  const source = pieces[Symbol.asyncIterator]()
  const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES)
  let filled = 0
  try {
    let step = await abandonable(source.next(), signal)
    while (step.done !== true) {
      for (let taken = 0; taken < step.value.length; ) {
        if (filled === CHUNK_BYTES) {
          yield { chunk, last: false }
          filled = 0
        }
        // Whole chunks with something behind them are sealed where they lie.
        for (; filled === 0 && step.value.length - taken > CHUNK_BYTES; taken += CHUNK_BYTES) {
          yield { chunk: step.value.subarray(taken, taken + CHUNK_BYTES), last: false }
        }
        const copied = step.value.copy(chunk, filled, taken)
        filled += copied
        taken += copied
      }
      step = await abandonable(source.next(step.value), signal)
    }
    yield { chunk: chunk.subarray(0, filled), last: true }
  } finally {
    // A source that hangs in its read answers this only when the read ends: nobody waits for it.
    Promise.resolve(source.return?.()).catch(() => {})
  }
}
