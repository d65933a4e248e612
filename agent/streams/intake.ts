import { abandonable } from '../words/deadline.ts'

/**
 * A stream of buffers, taken in the lengths that a format dictates. Copies only what lies across two buffers.
 * Owns the stream: disposing tells the other side to stop, and does not wait for a side that hangs.
 */
export class Intake implements AsyncDisposable {
  readonly #source: AsyncIterator<Buffer>
  readonly #signal: AbortSignal
  #held: Buffer[] = []
  #heldBytes = 0
  #ended = false
  #taken = 0

  constructor(stream: AsyncIterable<Buffer>, signal: AbortSignal) {
    this.#source = stream[Symbol.asyncIterator]()
    this.#signal = signal
  }

  /** Bytes taken so far: where in the stream the next one lies. */
  get position(): number {
    return this.#taken
  }

  /** Whether nothing follows. Waits until that is known. */
  async ended(): Promise<boolean> {
    return (await this.#hold(1)) === 0
  }

  /** The next `length` bytes, fewer only at the end of the stream, without taking them. */
  async peek(length: number): Promise<Buffer> {
    const there = Math.min(await this.#hold(length), length)
    const first = this.#held[0]
    if (first === undefined) return Buffer.alloc(0)
    if (first.length >= there) return first.subarray(0, there)
    const joined = Buffer.concat(this.#held, this.#heldBytes)
    this.#held = [joined]
    return joined.subarray(0, there)
  }

  /** The next `length` bytes, fewer only at the end of the stream. */
  async take(length: number): Promise<Buffer> {
    await this.#hold(length)
    const pieces: Buffer[] = []
    let missing = Math.min(length, this.#heldBytes)
    this.#taken += missing
    this.#heldBytes -= missing
    while (missing > 0) {
      const first = this.#held[0] as Buffer
      const piece = first.subarray(0, missing)
      if (piece.length === first.length) this.#held.shift()
      else this.#held[0] = first.subarray(piece.length)
      pieces.push(piece)
      missing -= piece.length
    }
    return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces)
  }

  /** Whatever comes next, in the size it comes in; empty at the end of the stream. */
  async next(): Promise<Buffer> {
    await this.#hold(1)
    return this.take(this.#held[0]?.length ?? 0)
  }

  async #hold(length: number): Promise<number> {
    while (this.#heldBytes < length && !this.#ended) {
      const step = await abandonable(this.#source.next(), this.#signal)
      if (step.done === true) this.#ended = true
      else if (step.value.length > 0) {
        this.#held.push(step.value)
        this.#heldBytes += step.value.length
      }
    }
    return this.#heldBytes
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    this.#held = []
    this.#heldBytes = 0
    // A source that hangs in its read answers this only when the read ends: nobody waits for it.
    Promise.resolve(this.#source.return?.()).catch(() => {})
  }
}
