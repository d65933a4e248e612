import { abandonable } from '../../words/deadline.ts'

/**
 * A read that is done again and again, never twice at a time: one that hangs keeps a thread of the pool for good, and the pool
 * has few.
 */
export class OneAtATime<T> {
  readonly #read: () => Promise<T>
  #underway: Promise<T> | undefined

  constructor(read: () => Promise<T>) {
    this.#read = read
  }

  /** What a read gives that begins now, or as soon as the one under way has ended. Rejects when the signal aborts first. */
  async fresh(signal: AbortSignal): Promise<T> {
    while (this.#underway !== undefined)
      await abandonable(
        this.#underway.catch(() => {}),
        signal,
      )
    const reading = this.#read().finally(() => {
      this.#underway = undefined
    })
    this.#underway = reading
    return await abandonable(reading, signal)
  }
}
