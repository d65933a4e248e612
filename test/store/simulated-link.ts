import { setImmediate as turn } from 'node:timers/promises'
import { Pace } from '../../agent/store/pace.ts'
import type { Store, Upload } from '../../agent/store/store.ts'

/** Bytes a second that each request gets at most (or one after the other), and all together; and the ms that an answer takes besides. */
export interface Link {
  each: number | (() => number)
  all: number
  delay: number
}

interface Flow {
  left: number
  readonly each: number
  arrived(): void
}

/** Turns of the event loop after which nothing moves but time. */
const TURNS = 4

/** A store behind a link, in a time of its own: what takes a minute there is over when it is computed. Keeps sizes alone. */
export class SimulatedLink {
  readonly link: Link
  now = 0
  /** Parts under way: now, at most, and their sum over time (parts × ms). */
  flying = 0
  most = 0
  area = 0
  readonly store: Store
  readonly #flows = new Set<Flow>()
  readonly #timers = new Set<{ readonly at: number; readonly due: () => void }>()

  constructor(link: Link) {
    this.link = link
    const pace = new Pace(() => this.now)
    this.store = {
      url: 's3://simulated',
      pace,
      warm: async () => {},
      put: async (key, body) => {
        await pace.during(body.length, () => this.#send(body.length))
        return { key, bytes: body.length }
      },
      begin: async (key) => this.#upload(key),
      [Symbol.asyncDispose]: async () => {},
    }
  }

  /** Lets time pass until the work is done. */
  async run<T>(work: Promise<T>): Promise<T> {
    let done = false
    const end = () => {
      done = true
    }
    work.then(end, end)
    while (!done) {
      for (let count = 0; count < TURNS; count++) await turn()
      if (!done) this.#step()
    }
    return await work
  }

  async sleep(ms: number): Promise<void> {
    await new Promise<void>((due) => this.#timers.add({ at: this.now + ms, due }))
  }

  /** Sends a part of so many bytes. */
  async part(bytes: number): Promise<void> {
    this.flying += 1
    this.most = Math.max(this.most, this.flying)
    try {
      await this.store.pace.during(bytes, () => this.#send(bytes))
    } finally {
      this.flying -= 1
    }
  }

  #upload(key: string): Upload {
    let bytes = 0
    return {
      key,
      part: async (_number, body) => {
        await this.part(body.length)
        bytes += body.length
      },
      complete: async () => ({ key, bytes }),
    }
  }

  async #send(bytes: number): Promise<void> {
    const { each } = this.link
    const rate = typeof each === 'number' ? each : each()
    await new Promise<void>((arrived) => this.#flows.add({ left: bytes, each: rate, arrived }))
    await this.sleep(this.link.delay)
  }

  /** To the next instant at which something happens: a request is through, or a timer is due. */
  #step(): void {
    const share = this.link.all / this.#flows.size
    const rate = (flow: Flow) => Math.min(flow.each, share) / 1000
    const through = Math.min(...[...this.#flows].map((flow) => flow.left / rate(flow)))
    const due = Math.min(...[...this.#timers].map(({ at }) => at - this.now))
    const ms = Math.max(0, Math.min(through, due))
    if (!Number.isFinite(ms)) throw new Error('nothing will ever happen')
    this.now += ms
    this.area += this.flying * ms
    for (const flow of this.#flows) {
      flow.left -= rate(flow) * ms
      if (flow.left > 0.5) continue
      this.#flows.delete(flow)
      flow.arrived()
    }
    for (const timer of this.#timers) {
      if (timer.at > this.now + 1e-6) continue
      this.#timers.delete(timer)
      timer.due()
    }
  }
}
