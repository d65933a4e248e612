import type { Finding } from '../../agent/bundle/schema.ts'
import type { Health, Listing, Stopping, Taken, Why } from '../../agent/wall/answers.ts'
import { type Collector, CollectorError, type Session, type Taking, type Watching } from '../../agent/wall/collector.ts'
import { abandonable, aborted } from '../../agent/words/deadline.ts'
import type { InventoryGap, ListedItem, Occasion } from '../../agent/words/evidence.ts'
import type { TestClock } from '../clock.ts'
import { lent } from '../streams/poisoned.ts'

/** What an item does when it is taken: its pieces, and as it is read on the host. Throws what the host says. */
export type Content = (stop: AbortSignal, tries: number) => AsyncGenerator<Buffer, void, void>

/** A listed item, and what it gives. */
export interface Scripted extends ListedItem {
  readonly content: Content
}

export function scripted(name: string, content: Content = gives('it'), over: Partial<ListedItem> = {}): Scripted {
  return {
    ...{ id: name, name, source: 'cores', class: 'text', phase: 'stored', encoding: 'as-is', bytes: 1000, ratio: 1 },
    ...{ value: 100, identity: { comm: name }, sealed: false, content },
    ...over,
  }
}

export const facts = (content?: Content, over: Partial<ListedItem> = {}): Scripted =>
  scripted('facts', content, { source: 'facts', phase: 'facts', value: 1000, ...over })

export function gives(...texts: string[]): Content {
  return async function* () {
    for (const text of texts) yield Buffer.from(text)
  }
}

/** Gives these, and then nothing, until it is told to stop; and not even then when it is `deaf`. */
export function hangsAfter(texts: readonly string[], deaf = false): Content {
  return async function* (stop) {
    for (const text of texts) yield Buffer.from(text)
    await (deaf ? new Promise(() => {}) : aborted(stop))
  }
}

export const gap = (source: InventoryGap['source'], over: Partial<InventoryGap> = {}): InventoryGap => ({
  ...{ source, class: 'text', status: 'failed', reason: `cannot ask what ${source} has: its time was up` },
  ...over,
})

/** A collector that does what the test says, on the test's clock. */
export class ScriptedCollector implements Collector {
  readonly clock: TestClock
  /** What it was asked, and when: `take cores/a`. */
  readonly asked: { readonly what: string; readonly at: number }[] = []
  readonly occasions: Occasion[] = []
  /** Items of which it never says how they ended. */
  readonly unsaid = new Set<string>()
  /** When the connection of each item was cut. */
  readonly cut = new Map<string, number>()
  /** What each item was allowed, in bytes. */
  readonly limits = new Map<string, number>()
  /** What is listed, by number of the session from 1. */
  list: (session: number, within: number) => Promise<Listing> | Listing = () => ({ items: [], gaps: [] })
  /** What comes up while it is watched, one after the other, until it is asked for the last look. */
  up: (asked: Promise<void>) => AsyncGenerator<Listing, void, void> = async function* () {}
  /** What has come up by the last look. */
  last: () => AsyncGenerator<Listing, void, void> = async function* () {}
  /** Whether the watch of the sessions so far breaks off, looked at again and again. */
  dies: (() => boolean) | undefined
  findings: () => Promise<readonly Finding[]> = async () => []
  releasing: (signal: AbortSignal) => Promise<void> = async () => {}
  asksWhy: (signal: AbortSignal) => Promise<Why> = async () => ({ kind: 'reboot' })
  /** Who else is being stopped, by number of the question from 1. */
  stops: (question: number) => Promise<Stopping> | Stopping = () => ({ running: 0, held: false })
  sessions = 0
  readonly #tries = new Map<string, number>()

  constructor(clock: TestClock, ...items: Scripted[]) {
    this.clock = clock
    this.list = () => ({ items, gaps: [] })
  }

  when(what: string): number | undefined {
    return this.asked.find((asked) => asked.what === what)?.at
  }

  count(what: string): number {
    return this.asked.filter((asked) => asked.what === what).length
  }

  async open(occasion: Occasion, within: number, signal: AbortSignal): Promise<Session> {
    this.#ask(`open for ${Math.round(within)}`)
    this.occasions.push(occasion)
    const listing = await abandonable(Promise.resolve(this.list(++this.sessions, within)), signal)
    const known = new Map(listing.items.map((item) => [item.id, item as Scripted]))
    return {
      listing,
      take: (id, limit, signal) => {
        this.limits.set(id, limit)
        signal.addEventListener('abort', () => this.cut.set(id, this.clock.now()))
        return this.#take(known, id, signal)
      },
      watch: (signal) => this.#watch(known, signal),
      findings: async () => {
        this.#ask('findings')
        return await this.findings()
      },
    }
  }

  async release(signal: AbortSignal): Promise<void> {
    this.#ask('release')
    await this.releasing(signal)
  }

  async why(signal: AbortSignal): Promise<Why> {
    this.#ask('why')
    return await this.asksWhy(signal)
  }

  async stopping(): Promise<Stopping> {
    this.#ask('stopping')
    return await this.stops(this.count('stopping'))
  }

  async attend(): Promise<void> {}
  async reload(): Promise<void> {}
  async health(): Promise<Health> {
    return { version: '0', problems: [] }
  }

  #ask(what: string): void {
    this.asked.push({ what, at: this.clock.now() })
  }

  #take(known: ReadonlyMap<string, Scripted>, id: string, signal: AbortSignal): Taking {
    this.#ask(`take ${id}`)
    const tries = (this.#tries.get(id) ?? 0) + 1
    this.#tries.set(id, tries)
    const stopping = new AbortController()
    const taken = Promise.withResolvers<Taken>()
    taken.promise.catch(() => {})
    const content = known.get(id)?.content ?? fails(`it was not in this inventory: ${id}`)
    const began = this.clock.now()
    const { clock } = this
    const unsaid = this.unsaid.has(id)
    async function* stored() {
      let bytesIn = 0
      let truncated: string | undefined
      const pieces = content(stopping.signal, tries)
      try {
        for (;;) {
          const step = await abandonable(pieces.next(), signal).catch((error) => {
            if (error instanceof CollectorError || signal.aborted) throw error
            truncated = (error as Error).message
          })
          if (step === undefined || step.done) {
            if (unsaid) return
            return taken.resolve({ bytesIn, ms: clock.now() - began, ...(truncated !== undefined && { truncated }) })
          }
          bytesIn += step.value.length
          yield step.value
        }
      } catch (error) {
        taken.reject(error)
        throw error
      } finally {
        if (!unsaid) taken.reject(new Error('nobody read to the end'))
      }
    }
    return { stored: lent(stored()), taken: taken.promise, stop: () => stopping.abort() }
  }

  #watch(known: Map<string, Scripted>, signal: AbortSignal): Watching {
    const stopped = Promise.withResolvers<void>()
    const { up, last, dies, clock } = this
    let isStopped = false
    stopped.promise.then(() => {
      isStopped = true
    })
    const ask = () => this.#ask('last look')
    async function* comesUp() {
      for await (const listing of up(stopped.promise)) {
        for (const item of listing.items) known.set(item.id, item as Scripted)
        yield listing
      }
      while (!isStopped) {
        if (dies?.()) throw new CollectorError('collector', 'it hung up')
        await abandonable(Promise.race([stopped.promise, ...(dies ? [clock.sleep(10)] : [])]), signal)
      }
      ask()
      for await (const listing of last()) {
        for (const item of listing.items) known.set(item.id, item as Scripted)
        yield listing
      }
    }
    return { comesUp: comesUp(), stop: stopped.resolve }
  }
}

/** The collector says no. */
export function fails(reason: string, because: CollectorError['because'] = 'collector'): Content {
  // biome-ignore lint/correctness/useYield: it fails before its first piece
  return async function* () {
    throw new CollectorError(because, reason)
  }
}
