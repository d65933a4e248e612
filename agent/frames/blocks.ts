import type { Lease } from '../streams/lease.ts'
import { Pool } from '../streams/pool.ts'
import { FRAME_BYTES } from './marker.ts'

/**
 * The same content in blocks of FRAME_BYTES, the last one shorter, and so one before an empty chunk; also what was gathered when
 * the source throws. A chunk that is a block goes through as it is; others are copied, into `most` blocks at most.
 */
export async function* blocksOf(
  chunks: AsyncIterable<Lease>,
  most: number,
  signal: AbortSignal,
): AsyncGenerator<Lease, void, void> {
  using pool = new Pool(FRAME_BYTES, most)
  let block: Lease | undefined
  let filled = 0
  const gathered = (): Lease[] => {
    const all = block === undefined ? [] : [{ ...block, bytes: block.bytes.subarray(0, filled) }]
    block = undefined
    filled = 0
    return all
  }
  try {
    for await (const chunk of chunks) {
      const { bytes, release } = chunk
      if (filled === 0 && bytes.length === FRAME_BYTES) {
        yield chunk
        continue
      }
      for (let taken = 0; taken < bytes.length; ) {
        block ??= await pool.lease(signal)
        const copied = bytes.copy(block.bytes, filled, taken)
        taken += copied
        filled += copied
        if (filled === FRAME_BYTES) yield* gathered()
      }
      if (bytes.length === 0) yield* gathered()
      release()
    }
  } catch (error) {
    yield* gathered()
    throw error
  }
  yield* gathered()
}
