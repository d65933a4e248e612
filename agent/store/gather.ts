import { endingWith } from '../streams/ending-with.ts'
import { Filling } from '../streams/filling.ts'
import type { Lease } from '../streams/lease.ts'
import { Pool } from '../streams/pool.ts'
import { cannot } from '../words/cannot.ts'
import { PART_BYTES } from './part-bytes.ts'
import { MOST_PARTS } from './window.ts'

/** Those that are under way, and one that is filled meanwhile. */
const PARTS = MOST_PARTS + 1

/** A part of an object on its way. */
export interface Gathered extends Lease {
  /** Nothing comes after it. */
  readonly last: boolean
  /** Why the stream ended early, on the last part of one that did. */
  readonly cut?: Error
}

/**
 * Gathers a stream into parts of PART_BYTES, each known to be the last one or not. Copies every byte once, into PARTS buffers
 * at most. A stream that fails ends there, with a `cut`. When the signal ends, it stops at once and throws the signal's reason.
 */
export async function* gather(stream: AsyncIterable<Lease>, signal: AbortSignal): AsyncGenerator<Gathered, void> {
  using pool = new Pool(PART_BYTES, PARTS)
  let part = new Filling(await pool.lease(signal))
  let cut: Error | undefined
  try {
    for await (const { bytes, release } of endingWith(stream, signal)) {
      for (let taken = 0; taken < bytes.length; taken += part.fill(bytes, taken)) {
        if (!part.isFull) continue
        yield { ...part.lease(), last: false }
        part = new Filling(await pool.lease(signal))
      }
      release()
    }
  } catch (thrown) {
    signal.throwIfAborted()
    cut = thrown instanceof Error ? thrown : cannot('read on', thrown)
  }
  yield { ...part.lease(), last: true, ...(cut && { cut }) }
}
