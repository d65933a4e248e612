import zlib from 'node:zlib'
import type { Intake } from '../streams/intake.ts'
import { sentence } from '../words/cannot.ts'
import { abandonable } from '../words/deadline.ts'
import { CutError, DamageError } from './errors.ts'

/** Size in bytes of the buffers the content comes in. */
const CHUNK_BYTES = 256 * 1024

/**
 * Largest window that a file may ask for, as a power of two: the 8 MiB that RFC 8878 (section 3.1.1.1.2) wants every decoder
 * to take. systemd-coredump's have 2 MiB; zstd by itself would take 128 MiB.
 */
const WINDOW_LOG = 23

/**
 * The content of a zstd file that has no markers, as systemd-coredump writes it: whatever can be decoded before the
 * file ends too early (CutError) or is damaged (DamageError). Such a file is one frame with its checksum at the end:
 * what comes before an error was decoded, and could not be verified.
 */
export async function* ordinaryContent(intake: Intake, signal: AbortSignal): AsyncGenerator<Buffer, void, void> {
  const decoder = zlib.createZstdDecompress({
    chunkSize: CHUNK_BYTES,
    params: { [zlib.constants.ZSTD_d_windowLogMax]: WINDOW_LOG },
  })
  let plainBytes = 0
  let failure: NodeJS.ErrnoException | undefined
  let ended = false
  let changed = Promise.withResolvers<void>()
  decoder.on('readable', () => changed.resolve())
  decoder.on('end', () => {
    ended = true
    changed.resolve()
  })
  decoder.on('error', (error) => {
    failure = error
    changed.resolve()
  })

  async function* readOut(isDone: () => boolean): AsyncGenerator<Buffer, void, void> {
    let done = false
    while (!done) {
      done = isDone() || failure !== undefined
      changed = Promise.withResolvers()
      for (let chunk = decoder.read(); chunk !== null; chunk = decoder.read()) {
        plainBytes += chunk.length
        yield chunk
      }
      if (!done) await abandonable(changed.promise, signal)
    }
  }

  try {
    // All is read out before more goes in: a stream that fails forgets what it still holds.
    for (let chunk = await intake.next(); chunk.length > 0 && failure === undefined; chunk = await intake.next()) {
      let written = false
      decoder.write(chunk, () => {
        written = true
        changed.resolve()
      })
      yield* readOut(() => written)
    }
    decoder.end()
    yield* readOut(() => ended)
    if (failure?.code === 'Z_BUF_ERROR') {
      throw new CutError(`cannot decode all of it: the zstd file ends after ${intake.position} bytes, inside a frame`, {
        plainBytes,
        contentWhole: false,
        cause: failure,
      })
    }
    const excess = intake.position - decoder.bytesWritten
    if (failure !== undefined || excess > 0) {
      const why = failure === undefined ? `${excess} bytes behind its end are no frame` : sentence(failure)
      throw new DamageError(`cannot decode the zstd file beyond byte ${plainBytes} of its content: ${why}`, {
        plainBytes,
        storedOffset: decoder.bytesWritten,
        cause: failure,
      })
    }
  } finally {
    decoder.destroy()
  }
}
