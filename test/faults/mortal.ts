import { type Collector, CollectorError, type Session } from '../../agent/wall/collector.ts'
import { abandonable } from '../../agent/words/deadline.ts'
import type { TestClock } from '../clock.ts'

/** When the collector dies, on the clock in ms, and for how long it is gone. */
export interface Death {
  readonly at: number
  readonly for: number
}

/** A collector that dies now and then: what it was asked breaks off, its sessions are no more, and nobody answers until it is back. */
export function mortal(inner: Collector, deaths: readonly Death[], clock: TestClock): Collector {
  let life = new AbortController()
  let isDead = false
  for (const death of deaths) {
    clock.after(death.at, () => {
      isDead = true
      life.abort(new CollectorError('collector', 'it hung up'))
    })
    clock.after(death.at + death.for, () => {
      isDead = false
      life = new AbortController()
    })
  }

  async function asked<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (isDead) throw new CollectorError('collector', 'nobody listens')
    const limit = AbortSignal.any([signal, life.signal])
    return await abandonable(work(limit), limit)
  }

  function inLife(session: Session): Session {
    const mine = life.signal
    const until = (signal: AbortSignal) => AbortSignal.any([signal, mine])
    return {
      ...session,
      take: (id, limit, signal) => session.take(id, limit, until(signal)),
      watch: (signal) => session.watch(until(signal)),
      findings: async (within, signal) => await abandonable(session.findings(within, until(signal)), until(signal)),
    }
  }

  return {
    open: async (occasion, within, signal) =>
      await asked(signal, async (limit) => inLife(await inner.open(occasion, within, limit))),
    release: (signal) => asked(signal, (limit) => inner.release(limit)),
    why: (signal) => asked(signal, (limit) => inner.why(limit)),
    stopping: (signal) => asked(signal, (limit) => inner.stopping(limit)),
    attend: (hear, signal) => inner.attend(hear, signal),
    reload: (signal) => inner.reload(signal),
    health: (signal) => inner.health(signal),
  }
}
