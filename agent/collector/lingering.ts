import { type Lease, unlent } from '../streams/lease.ts'

/**
 * ms for which what was read waits for more before it leaves as a frame of its own. Memory and files come faster than that by far, and
 * fill their frames; what is asked of a host that hardly runs does not. Each time it is twice as long as the time before: readers take
 * no more than SHORT_FRAMES_MAX (frames/marker.ts), and half an hour has 17.
 */
export const LINGER_MS = 20

/** No content, and nothing more for now: frames/blocks.ts makes a block of what it has. */
const FOR_NOW = Buffer.alloc(0)

/** The same chunks, with an empty one where the next takes longer than `ms`, then than twice that, and so on. */
export async function* lingering(chunks: AsyncIterable<Lease>, ms: number): AsyncGenerator<Lease, void, void> {
  const source = chunks[Symbol.asyncIterator]()
  try {
    for (let next = source.next(), isFirst = true, patience = ms; ; isFirst = false) {
      if (!isFirst && (await isLate(next, patience))) {
        patience *= 2
        yield unlent(FOR_NOW)
      }
      const step = await next
      if (step.done === true) return
      yield step.value
      next = source.next()
    }
  } finally {
    // One that hangs in its read answers only when the read ends: nobody waits for it.
    Promise.resolve(source.return?.()).catch(() => {})
  }
}

async function isLate(next: Promise<unknown>, ms: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(resolve, ms, true)
  const come = () => resolve(false)
  next.then(come, come)
  const late = await promise
  clearTimeout(timer)
  return late
}
