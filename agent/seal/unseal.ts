import { Intake } from '../streams/intake.ts'
import { type Header, parseHeader } from './header.ts'
import type { Keyring } from './keyring.ts'
import type { Lost } from './lost.ts'
import { NONCE_BYTES, openChunk, payloadKey, STORED_CHUNK_BYTES, TAG_BYTES } from './payload.ts'
import { SealError } from './seal-error.ts'

export { SealError } from './seal-error.ts'

/** How much of a file is looked at first for the end of its header: some forty recipients. */
const HEADER_BYTES_USUAL = 4096

/**
 * The content of an age file, every chunk authentic. Throws SealError: `no-identity` or `malformed` before anything
 * is yielded; `cut` or `damaged` after all that is authentic before the trouble. What is known to be `lost` is no trouble: of
 * chunks that it touches, zeros are given.
 */
export async function* unsealed(
  stored: AsyncIterable<Buffer>,
  keyring: Keyring,
  signal: AbortSignal,
  lost?: Lost,
): AsyncGenerator<Buffer, void, void> {
  await using intake = new Intake(stored, signal)
  const header = await readHeader((length) => intake.peek(length))
  const fileKey = keyring.open(header)
  await intake.take(header.bytes)
  const key = payloadKey(fileKey, await intake.take(NONCE_BYTES))
  lost?.opened(intake.position)

  let plainBytes = 0
  for (let index = 0, last = false; !last; index += 1) {
    signal.throwIfAborted()
    const at = intake.position
    const sealed = await intake.take(STORED_CHUNK_BYTES)
    last = sealed.length < STORED_CHUNK_BYTES || (await intake.ended())
    const opened = openChunk(key, index, last, sealed)
    const isLost = lost?.isStored(at, intake.position) === true
    const chunk = opened === undefined && isLost && !last ? Buffer.alloc(sealed.length - TAG_BYTES) : opened
    if (chunk === undefined) {
      const before = last ? openChunk(key, index, false, sealed) : undefined
      if (before !== undefined) {
        plainBytes += before.length
        yield before
      }
      if (before !== undefined || isLost || sealed.length < STORED_CHUNK_BYTES) throw cut(plainBytes)
      throw damaged(`its chunk ${index} is not authentic`, plainBytes)
    }
    if (chunk.length === 0 && index > 0) throw damaged('its last chunk is empty', plainBytes)
    plainBytes += chunk.length
    if (chunk.length > 0) yield chunk
  }
}

/**
 * The header of a file of which `peek` gives the first bytes, fewer only where it ends.
 * Throws SealError `cut` or `malformed`.
 */
export async function readHeader(peek: (length: number) => Promise<Buffer>): Promise<Header> {
  for (let length = HEADER_BYTES_USUAL; ; length *= 2) {
    const start = await peek(length)
    const header = parseHeader(start)
    if (header !== undefined) return header
    if (start.length < length) throw new SealError('cut', 'cannot open what is sealed: it ends inside its header')
  }
}

export function cut(plainBytes: number): SealError {
  const message = `cannot open all of what is sealed: it ends too early, or its end is damaged, after ${plainBytes} bytes of content`
  return new SealError('cut', message, { plainBytes })
}

export function damaged(why: string, plainBytes: number): SealError {
  const message = `cannot open what is sealed beyond byte ${plainBytes} of its content: ${why}`
  return new SealError('damaged', message, { plainBytes })
}
