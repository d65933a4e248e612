import { cannot } from '../words/cannot.ts'
import { abandonable } from '../words/deadline.ts'
import { PART_BYTES } from './store.ts'

/** A part of an object on its way. */
export interface Gathered {
  readonly body: Buffer
  /** Nothing comes after it. */
  readonly last: boolean
  /** Why the stream ended early, on the last part of one that did. */
  readonly cut?: Error
  /** Says that `body` is not needed any more: its memory is used again. */
  release(): void
}

/**
 * Gathers a stream into parts of PART_BYTES, each known to be the last one or not. Copies every byte once, into buffers
 * that go round: it holds as many as there are parts not released, and the one being filled. A stream that fails ends
 * there, with a `cut`. When the signal ends, it stops at once and throws the signal's reason.
 */
export async function* gather(stream: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Gathered, void> {
  const free: Buffer[] = []
  const iterator = stream[Symbol.asyncIterator]()
  // allocUnsafeSlow: memory of its own, which costs nothing before it is written to.
  let buffer: Buffer = Buffer.allocUnsafeSlow(PART_BYTES)
  let filled = 0
  let cut: Error | undefined

  const part = (last: boolean): Gathered => {
    const whole = buffer
    return { body: whole.subarray(0, filled), last, ...(cut && { cut }), release: () => void free.push(whole) }
  }

  try {
    for (;;) {
      const chunk = await next(iterator, signal).catch((thrown: unknown) => {
        signal.throwIfAborted()
        cut = thrown instanceof Error ? thrown : cannot('read on', thrown)
      })
      if (chunk === undefined) break
      for (let taken = 0; taken < chunk.length; ) {
        if (filled === PART_BYTES) {
          yield part(false)
          buffer = free.pop() ?? Buffer.allocUnsafeSlow(PART_BYTES)
          filled = 0
        }
        const copied = chunk.copy(buffer, filled, taken)
        filled += copied
        taken += copied
      }
    }
    yield part(true)
  } finally {
    // Neither waited for nor listened to: the stream may hang for good.
    void Promise.resolve(iterator.return?.()).catch(() => {})
  }
}

async function next(iterator: AsyncIterator<Buffer>, signal: AbortSignal): Promise<Buffer | undefined> {
  const { value, done } = await abandonable(iterator.next(), signal)
  return done ? undefined : value
}
