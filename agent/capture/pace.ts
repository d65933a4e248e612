import type { Lease } from '../streams/lease.ts'
import type { Taking } from '../wall/collector.ts'
import { afterOwn, type OwnTime } from '../words/own-time.ts'
import type { Blame } from './blame.ts'

/** How long an item may take, and be silent. */
export interface Patience {
  /** By which silence is judged: on a host whose processor is taken away, everybody is silent. */
  readonly own: OwnTime
  /** Its time is up when this ends; `up` says why. */
  readonly budget: AbortSignal
  readonly up: () => Blame
  /** ms of silence, after which it hangs */
  readonly stall: number
  /** ms of silence once it is told to end well */
  readonly close: number
}

export interface Paced {
  readonly stored: AsyncIterable<Lease>
  /** Set once it was stopped before its own end. */
  stopped(): Blame | undefined
}

/**
 * What a taking gives, held to its time. When the budget ends, or nothing comes for too long while we wait for it, the item
 * is told to end well; if it then stays silent, `cut` is called, which must end the connection. Time that the store takes is
 * no silence of the item.
 */
export function paced(taking: Taking, patience: Patience, cut: (reason: Error) => void): Paced {
  const { own, budget, stall, close } = patience
  let stopped: Blame | undefined
  /** Calls off what happens when it stays silent; undefined while it waits for us. */
  let heard: (() => void) | undefined

  const listen = () => {
    heard?.()
    heard = afterOwn(stopped === undefined ? stall : close, own, onSilence)
  }
  const onSilence = () => {
    if (stopped !== undefined) cut(new Error(stopped.reason))
    else stop({ because: 'host', reason: `it hung: no byte for ${Math.round(stall / 1000)} s` })
  }
  const stop = (why: Blame) => {
    if (stopped !== undefined) return
    stopped = why
    taking.stop()
    if (heard !== undefined) listen()
  }
  const onBudget = () => stop(patience.up())

  async function* stored(): AsyncGenerator<Lease, void, void> {
    if (budget.aborted) onBudget()
    else budget.addEventListener('abort', onBudget)
    const iterator = taking.stored[Symbol.asyncIterator]()
    try {
      while (true) {
        listen()
        const step = await iterator.next()
        heard?.()
        heard = undefined
        if (step.done === true) return
        yield step.value
      }
    } finally {
      budget.removeEventListener('abort', onBudget)
      heard?.()
      // Not waited for: what hangs would answer only when its read ends.
      Promise.resolve(iterator.return?.()).catch(() => {})
    }
  }
  return { stored: stored(), stopped: () => stopped }
}
