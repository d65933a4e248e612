import { CLOSE_MS } from '../plan/budget.ts'
import type { Taking } from '../wall/collector.ts'

/** Why an item was stopped before its own end. */
export interface Stopped {
  readonly because: 'deadline' | 'host'
  readonly reason: string
}

export interface Paced {
  readonly stored: AsyncIterable<Buffer>
  /** Set once it was stopped. */
  stopped(): Stopped | undefined
}

/**
 * What a taking gives, held to its time. When `budget` aborts, or nothing comes for `stallMs` while we wait for it, the item
 * is told to end well; if it then stays silent for CLOSE_MS, `cut` is called, which must end the connection. Time that the
 * store takes is no silence of the item.
 */
export function paced(taking: Taking, stallMs: number, budget: AbortSignal, cut: (reason: Error) => void): Paced {
  let stopped: Stopped | undefined
  let silence: NodeJS.Timeout | undefined

  const listen = () => {
    clearTimeout(silence)
    silence = setTimeout(onSilence, stopped === undefined ? stallMs : CLOSE_MS)
  }
  const onSilence = () => {
    if (stopped !== undefined) return cut(new Error(stopped.reason))
    stop({ because: 'host', reason: `it hung: no byte for ${Math.round(stallMs / 1000)} s` })
  }
  const stop = (why: Stopped) => {
    if (stopped !== undefined) return
    stopped = why
    taking.stop()
    if (silence !== undefined) listen()
  }
  const onBudget = () => stop({ because: 'deadline', reason: 'its time was up' })

  async function* stored(): AsyncGenerator<Buffer, void, void> {
    if (budget.aborted) onBudget()
    else budget.addEventListener('abort', onBudget, { once: true })
    const iterator = taking.stored[Symbol.asyncIterator]()
    try {
      while (true) {
        listen()
        const step = await iterator.next()
        clearTimeout(silence)
        silence = undefined
        if (step.done === true) return
        yield step.value
      }
    } finally {
      budget.removeEventListener('abort', onBudget)
      clearTimeout(silence)
      await iterator.return?.()
    }
  }
  return { stored: stored(), stopped: () => stopped }
}
