import type { ReadAt } from '../../frames/range.ts'

/** Bytes behind the furthest that was read that can be asked for again: more than a frame, and what is searched for markers. */
const BEHIND_BYTES = 8 * 1024 * 1024

/** Reads at places of a stream that passes once, and goes back by no more than BEHIND_BYTES. Ends the stream when it is disposed of. */
export class ForwardReader implements AsyncDisposable {
  readonly #source: AsyncIterator<Buffer>
  #held = Buffer.alloc(0)
  /** Where what is held begins. */
  #begin = 0
  #isEnded = false

  constructor(stream: AsyncIterable<Buffer>) {
    this.#source = stream[Symbol.asyncIterator]()
  }

  readonly readAt: ReadAt = async (from, length) => {
    const more: Buffer[] = []
    for (let end = this.#begin + this.#held.length; end < from + length && !this.#isEnded; ) {
      const { value, done } = await this.#source.next()
      this.#isEnded = done === true
      if (value === undefined) continue
      more.push(value)
      end += value.length
    }
    if (more.length > 0) {
      const all = Buffer.concat([this.#held, ...more])
      const passed = Math.max(0, Math.min(from - this.#begin, all.length - BEHIND_BYTES))
      this.#held = all.subarray(passed)
      this.#begin += passed
    }
    const at = from - this.#begin
    if (at < 0) throw new Error(`byte ${from} has passed`)
    return this.#held.subarray(at, at + length)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Not waited for: it may wait for a read that hangs.
    void this.#source.return?.().catch(() => {})
  }
}
