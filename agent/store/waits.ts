import type { Wait } from './store.ts'

/** What is under way, each for itself. */
export class Waits {
  readonly #open = new Set<{ readonly describe: () => string; since: number }>()

  /** Waits for `work`; `describe` is asked only when somebody wants to know. */
  async during<T>(describe: () => string, work: () => Promise<T>): Promise<T> {
    const wait = { describe, since: performance.now() }
    this.#open.add(wait)
    try {
      return await work()
    } finally {
      this.#open.delete(wait)
    }
  }

  /** The wait that has lasted the longest. */
  longest(): Wait | undefined {
    const [first] = this.#open
    return first && { what: first.describe(), ms: performance.now() - first.since }
  }
}
