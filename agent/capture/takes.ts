import { abandonable } from '../words/deadline.ts'
import { isBig, type Next, type Queue } from './queue.ts'
import { type Ground, takeArtifact } from './take-artifact.ts'

/** Small artifacts on their way at once: round trips overlap, and a part each is what memory they take. */
const SMALL_AT_ONCE = 3

/** The same beside a big one, which has up to MOST_PARTS of store/window.ts. */
const BESIDE_BIG = 2

/** What is being taken of a queue: small ones side by side, a big one alone but for those that a process waits for. */
export class Takes {
  readonly #queue: Queue
  readonly #ground: Ground
  /** Read, and maybe not stored yet. Never reject. */
  readonly #underway = new Set<Promise<void>>()
  readonly #reading = new Set<Promise<void>>()

  constructor(queue: Queue, ground: Ground) {
    this.#queue = queue
    this.#ground = ground
  }

  /**
   * Takes what the queue says is next, and what comes up meanwhile or until `more` resolves. Returns once all is read from the host (its
   * storing may go on), or when `until` ends. Never rejects.
   */
  async all(until: AbortSignal, more: Promise<unknown> = Promise.resolve()): Promise<void> {
    const { cut } = this.#ground.time
    const end = AbortSignal.any([until, cut])
    let mayCome = true
    const noMore = more.then(() => {
      mayCome = false
    })
    try {
      while (!end.aborted) {
        const next = this.#queue.next()
        if (next !== undefined) await this.#take(next, end)
        else if (this.#reading.size > 0 || mayCome)
          await abandonable(Promise.race([...this.#reading, this.#queue.pushed, ...(mayCome ? [noMore] : [])]), end)
        else return
      }
    } catch {
      // The signal has ended.
    }
  }

  /** Until all that was taken is stored, or given up. */
  async stored(until: AbortSignal): Promise<void> {
    await abandonable(Promise.all(this.#underway), until).catch(() => {})
  }

  async #take(next: Next, end: AbortSignal): Promise<void> {
    try {
      while (this.#underway.size > (isBig(next.planned) ? 0 : SMALL_AT_ONCE - 1))
        await abandonable(Promise.race(this.#underway), end)
    } catch (error) {
      this.#queue.putBack(next)
      throw error
    }
    const settled = this.#begin(next)
    if (isBig(next.planned)) await this.#beside(settled, end)
  }

  /** Until a big one is stored: processes that wait for us to take their small cores are let go meanwhile. */
  async #beside(big: Promise<void>, end: AbortSignal): Promise<void> {
    while (this.#underway.has(big)) {
      const next = this.#underway.size > BESIDE_BIG ? undefined : this.#queue.nextAwaited()
      if (next !== undefined) this.#begin(next)
      else await abandonable(Promise.race([...this.#underway, this.#queue.pushed]), end)
    }
  }

  /** Gives when it is stored, or given up. */
  #begin(next: Next): Promise<void> {
    this.#queue.begun(next.entry)
    const { collected, outcome } = takeArtifact(next, this.#ground)
    const settled = outcome.then((outcome) => {
      this.#underway.delete(settled)
      this.#queue.settle(next.entry, outcome)
    })
    const read = collected.then(() => void this.#reading.delete(read))
    this.#underway.add(settled)
    this.#reading.add(read)
    return settled
  }
}
