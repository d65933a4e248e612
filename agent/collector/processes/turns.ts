import { abandonable } from '../../words/deadline.ts'

/**
 * Whose turn it is to have the living processes to himself, in all captures: a process can be traced by one only, and one that
 * another has stopped looks as if it hung.
 */
export interface Turns {
  /** Waits until nobody else has a turn; it lasts until it is disposed of. */
  turn(signal: AbortSignal): Promise<Disposable>
}

export function newTurns(): Turns {
  let taken: Promise<void> | undefined
  return {
    async turn(signal) {
      while (taken !== undefined) await abandonable(taken, signal)
      signal.throwIfAborted()
      const { promise, resolve } = Promise.withResolvers<void>()
      taken = promise
      return {
        [Symbol.dispose]() {
          if (taken === promise) taken = undefined
          resolve()
        },
      }
    },
  }
}
