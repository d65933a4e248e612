import { Filling } from '../streams/filling.ts'
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
  let block: Filling | undefined
  const gathered = (): Lease[] => {
    const all = block === undefined ? [] : [block.lease()]
    block = undefined
    return all
  }
  try {
    for await (const chunk of chunks) {
      const { bytes, release } = chunk
      if (block === undefined && bytes.length === FRAME_BYTES) {
        yield chunk
        continue
      }
      for (let taken = 0; taken < bytes.length; ) {
        block ??= new Filling(await pool.lease(signal))
        taken += block.fill(bytes, taken)
        if (block.isFull) yield* gathered()
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
