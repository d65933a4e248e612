import { aborted } from '../../words/deadline.ts'

/**
 * The time in which no host goes down: what it takes to keep things at hand is left alone while one does, and goes on when that was cancelled.
 */
export class Idle {
  #ending = new AbortController()
  #begun = Promise.withResolvers<void>()

  constructor() {
    this.#begun.resolve()
  }

  /** Ends with the idle time that it is now, or was last. */
  get signal(): AbortSignal {
    return this.#ending.signal
  }

  /** The host goes down. */
  end(): void {
    if (this.#ending.signal.aborted) return
    this.#begun = Promise.withResolvers()
    this.#ending.abort(new Error('the host goes down'))
  }

  /** The host does not go down after all. */
  begin(): void {
    if (!this.#ending.signal.aborted) return
    this.#ending = new AbortController()
    this.#begun.resolve()
  }

  /** Does something in each idle time, until the signal aborts. `work` ends with its own signal, and never rejects. */
  async during(work: (idle: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    const over = aborted(signal)
    while (!signal.aborted) {
      const idle = this.signal
      if (!idle.aborted) await work(AbortSignal.any([idle, signal]))
      await Promise.race([aborted(idle), over])
      await Promise.race([this.#begun.promise, over])
    }
  }
}
