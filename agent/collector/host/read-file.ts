import { ZEROS } from '../../frames/zeros.ts'
import { type Lease, unlent } from '../../streams/lease.ts'
import { cannot } from '../../words/cannot.ts'
import { abandonable } from '../../words/deadline.ts'
import { formatBytes } from '../../words/units.ts'
import type { OpenFile } from './open-file.ts'
import { READ_BYTES, type Reading, readingPool } from './reading.ts'

/**
 * The first `size` bytes of an open file, at most `limit` of them, in chunks of READ_BYTES; the next one is read while the
 * ones before are being consumed. What is appended meanwhile is not read. A chunk that is all hole is ZEROS, and not read. The reading owns the file and closes it.
 */
export function readFrom(
  { path, handle, nextData }: OpenFile,
  size: number,
  limit: number,
  signal: AbortSignal,
): Reading {
  const wanted = Math.min(size, limit)
  const pool = readingPool(Math.min(READ_BYTES, wanted))
  let shrunkTo: number | undefined
  let holes = 0

  async function read(position: number, length: number): Promise<Lease> {
    if (length === ZEROS.length && nextData !== undefined && nextData(position) >= position + length) {
      holes += length
      return unlent(ZEROS)
    }
    // Where the read fails or is left behind, the buffer does not come back: something may still write to it.
    const { bytes, release } = await pool.lease(signal)
    return { bytes: await handle.fill(bytes.subarray(0, length), position, signal), release }
  }

  function begin(position: number): Promise<Lease> {
    const chunk = read(position, Math.min(READ_BYTES, wanted - position))
    // It is awaited only when it is asked for.
    chunk.catch(() => {})
    return chunk
  }

  async function* chunks(): AsyncGenerator<Lease, void, void> {
    let position = 0
    let ahead = begin(0)
    while (position < wanted) {
      const chunk = await abandonable(ahead, signal).catch((error) => {
        throw cannot(`read ${path} at byte ${position}`, error)
      })
      const { length } = chunk.bytes
      const asked = Math.min(READ_BYTES, wanted - position)
      position += length
      if (length < asked) shrunkTo = position
      else if (position < wanted) ahead = begin(position)
      if (length > 0) yield chunk
      if (shrunkTo !== undefined) return
    }
  }

  return {
    chunks: chunks(),
    outcome() {
      const seen = holes > 0 ? { identity: { holes } } : {}
      if (shrunkTo !== undefined) {
        return { ...seen, truncated: `the file shrank while it was read: ${shrunkTo} of ${size} bytes were left` }
      }
      if (wanted === size) return seen
      return { ...seen, truncated: `only the first ${formatBytes(wanted)} of ${formatBytes(size)} were read` }
    },
    async [Symbol.asyncDispose]() {
      pool[Symbol.dispose]()
      handle[Symbol.dispose]()
    },
  }
}
