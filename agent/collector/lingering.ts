import { FRAME_BYTES } from '../frames/marker.ts'
import { type Lease, unlent } from '../streams/lease.ts'

/**
 * ms for which the first byte of a block waits for the rest before it leaves in a frame of its own. Memory and files come faster than that by far, and
 * fill their frames; what is asked of a host that hardly runs does not.
 */
export const LINGER_MS = 20
/**
 * Each time it is longer by this: readers take no more than SHORT_FRAMES_MAX (frames/marker.ts), and half an hour has 54. So nothing is kept back for
 * longer than a sixth of the time that all of it has taken, and whoever waits for bytes sees that there are some.
 */
const LONGER = 1.2

/** No content, and nothing more for now: frames/blocks.ts makes a block of what it has. */
const FOR_NOW = Buffer.alloc(0)

/** The same chunks, with an empty one where what came before has waited for `ms`, then for longer, and so on. */
export async function* lingering(chunks: AsyncIterable<Lease>, ms: number): AsyncGenerator<Lease, void, void> {
  const source = chunks[Symbol.asyncIterator]()
  let patience = ms
  /** Bytes of the block that is being filled, and when the first of them has to leave. */
  let filled = 0
  let leaves = 0
  try {
    for (let next = source.next(); ; next = source.next()) {
      if (filled > 0 && (await isLate(next, leaves - performance.now()))) {
        patience *= LONGER
        filled = 0
        yield unlent(FOR_NOW)
      }
      const step = await next
      if (step.done === true) return
      const { length } = step.value.bytes
      if (filled === 0 || filled + length >= FRAME_BYTES) leaves = performance.now() + patience
      filled = (filled + length) % FRAME_BYTES
      yield step.value
    }
  } finally {
    // One that hangs in its read answers only when the read ends: nobody waits for it.
    Promise.resolve(source.return?.()).catch(() => {})
  }
}

async function isLate(next: Promise<unknown>, ms: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(resolve, Math.max(0, ms), true)
  const come = () => resolve(false)
  next.then(come, come)
  const late = await promise
  clearTimeout(timer)
  return late
}
