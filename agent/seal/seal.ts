import { randomBytes } from 'node:crypto'
import { cannot } from '../cannot.ts'
import { Intake } from '../frames/intake.ts'
import { FILE_KEY_BYTES, headerMac, wrapFileKey } from './file-key.ts'
import { formatMac, formatStanzas } from './header.ts'
import type { Recipient } from './keys.ts'
import { CHUNK_BYTES, NONCE_BYTES, payloadKey, sealChunk } from './payload.ts'

/** Chunks per buffer that is yielded: 1 MiB, and half a millisecond of the main thread at a time. */
const BATCH_CHUNKS = 16

/**
 * Content sealed to all of the recipients, as an age v1 file: header first, then buffers of about 1 MiB.
 * When `chunks` throws, what was sealed before is yielded and the error follows; the file then has no last chunk.
 */
export async function* sealed(
  chunks: AsyncIterable<Buffer>,
  recipients: readonly Recipient[],
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, void> {
  if (recipients.length === 0) throw cannot('seal', 'there is no recipient; set seal.recipients')
  await using intake = new Intake(chunks, signal)
  const fileKey = randomBytes(FILE_KEY_BYTES)
  const nonce = randomBytes(NONCE_BYTES)
  const key = payloadKey(fileKey, nonce)
  const stanzas = formatStanzas(recipients.map((recipient) => wrapFileKey(fileKey, recipient)))
  yield Buffer.concat([stanzas, formatMac(headerMac(fileKey, stanzas)), nonce])

  let batch: Buffer[] = []
  try {
    for (let index = 0, last = false; !last; index += 1) {
      const chunk = await intake.take(CHUNK_BYTES)
      last = chunk.length < CHUNK_BYTES || (await intake.ended())
      batch.push(...sealChunk(key, index, last, chunk))
      if (last || batch.length === 2 * BATCH_CHUNKS) {
        const full = batch
        batch = []
        yield Buffer.concat(full)
      }
    }
  } catch (error) {
    if (batch.length > 0 && !signal.aborted) yield Buffer.concat(batch)
    throw error
  }
}
