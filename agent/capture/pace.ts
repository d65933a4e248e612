import type { Taking } from '../wall/collector.ts'
import type { Clock } from '../words/clock.ts'
import type { Blame } from './receipts.ts'

/** How long an item may take, and be silent. */
export interface Patience {
  readonly clock: Clock
  /** Its time is up when this ends; `up` says why. */
  readonly budget: AbortSignal
  readonly up: () => Blame
  /** ms of silence, on a host that runs */
  readonly stall: number
  /** ms to end well, once it is told to */
  readonly close: number
  /** How much longer that is on a host that hardly runs. */
  readonly stretch: () => number
}

export interface Paced {
  readonly stored: AsyncIterable<Buffer>
  /** Set once it was stopped before its own end. */
  stopped(): Blame | undefined
}

/**
 * What a taking gives, held to its time. When the budget ends, or nothing comes for too long while we wait for it, the item
 * is told to end well; if it then stays silent, `cut` is called, which must end the connection. Time that the store takes is
 * no silence of the item.
 */
export function paced(taking: Taking, patience: Patience, cut: (reason: Error) => void): Paced {
  const { clock, budget, stall, close } = patience
  let stopped: Blame | undefined
  /** Since when we wait for it; undefined while it waits for us. */
  let since: number | undefined
  let callOff = () => {}

  const bound = () => (stopped === undefined ? stall : close) * patience.stretch()
  const listen = () => {
    callOff()
    since = clock.now()
    callOff = clock.after(bound(), onSilence)
  }
  const heard = () => {
    callOff()
    since = undefined
  }
  const onSilence = () => {
    const silent = clock.now() - (since ?? clock.now())
    const missing = bound() - silent
    // Timers may be a millisecond early.
    if (missing > 1) callOff = clock.after(missing, onSilence)
    else if (stopped !== undefined) cut(new Error(stopped.reason))
    else stop({ because: 'host', reason: `it hung: no byte for ${Math.round(silent / 1000)} s` })
  }
  const stop = (why: Blame) => {
    if (stopped !== undefined) return
    stopped = why
    taking.stop()
    if (since !== undefined) listen()
  }
  const onBudget = () => stop(patience.up())

  async function* stored(): AsyncGenerator<Buffer, void, void> {
    if (budget.aborted) onBudget()
    else budget.addEventListener('abort', onBudget, { once: true })
    const iterator = taking.stored[Symbol.asyncIterator]()
    try {
      while (true) {
        listen()
        const step = await iterator.next()
        heard()
        if (step.done === true) return
        yield step.value
      }
    } finally {
      budget.removeEventListener('abort', onBudget)
      heard()
      // Not waited for: what hangs would answer only when its read ends.
      Promise.resolve(iterator.return?.()).catch(() => {})
    }
  }
  return { stored: stored(), stopped: () => stopped }
}
