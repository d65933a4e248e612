import { Pace } from '../../agent/store/pace.ts'
import { PART_BYTES } from '../../agent/store/part-bytes.ts'
import { type Store, type Stored, StoreError, type Upload } from '../../agent/store/store.ts'
import { abandonable } from '../../agent/words/deadline.ts'
import type { TestClock } from '../clock.ts'

type Verb = 'put' | 'begin' | 'part' | 'complete'

/** A store in memory, whose requests take time on the test's clock. */
export class MemoryStore implements Store {
  readonly url = 'memory:'
  readonly pace: Pace
  readonly objects = new Map<string, Buffer>()
  /** When each object came to be, on the clock. */
  readonly at = new Map<string, number>()
  readonly #clock: TestClock
  /** ms of one request, and bytes that travel in one */
  ms = 1
  rate = Number.POSITIVE_INFINITY
  /** ms that its own clock is ahead, where it says so */
  clockSkew: number | undefined
  /** What becomes of a request: nothing in its way, an error, or it never ends (not even with its signal when `deaf`). */
  fate: (verb: Verb, key: string) => StoreError | 'hangs' | 'deaf' | undefined = () => undefined

  constructor(clock: TestClock) {
    this.#clock = clock
    this.pace = new Pace(() => clock.now())
  }

  async warm(): Promise<void> {}

  async put(key: string, body: Buffer, signal: AbortSignal): Promise<Stored> {
    await this.#request('put', key, body.length, signal)
    return this.#keep(key, Buffer.from(body))
  }

  async begin(key: string, signal: AbortSignal): Promise<Upload> {
    await this.#request('begin', key, 0, signal)
    const parts = new Map<number, Buffer>()
    return {
      key,
      part: async (number, body, signal) => {
        await this.#request('part', key, body.length, signal)
        parts.set(number, Buffer.from(body))
      },
      complete: async (signal) => {
        await this.#request('complete', key, 0, signal)
        const leading: Buffer[] = []
        for (let part = parts.get(1); part !== undefined; part = parts.get(leading.length + 1)) {
          leading.push(part)
          if (part.length < PART_BYTES) break
        }
        return this.#keep(key, Buffer.concat(leading))
      },
    }
  }

  /** Names below the bundle's prefix, in the order in which they came to be. */
  get names(): readonly string[] {
    return [...this.objects.keys()].map((key) => key.replace(/^v1\/hosts\/[^/]+\/[^/]+\//, ''))
  }

  named(name: string): Buffer | undefined {
    return [...this.objects].find(([key]) => key.endsWith(`/${name}`))?.[1]
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #request(verb: Verb, key: string, bytes: number, signal: AbortSignal): Promise<void> {
    const fate = this.fate(verb, key)
    const work =
      fate === undefined ? this.#clock.sleep(this.ms + (bytes / this.rate) * 1000) : new Promise<void>(() => {})
    if (fate === 'deaf') await work
    if (fate instanceof StoreError) throw fate
    try {
      await this.pace.during(bytes, () => abandonable(work, signal))
    } catch (thrown) {
      throw new StoreError('transient', `cannot ${verb} ${key}: ${(thrown as Error).message}`)
    }
  }

  #keep(key: string, body: Buffer): Stored {
    if (this.objects.has(key)) throw new StoreError('exists', `cannot store ${key}: it exists`)
    this.objects.set(key, body)
    this.at.set(key, this.#clock.now())
    return { key, bytes: body.length, ...(this.clockSkew !== undefined && { clockSkew: this.clockSkew }) }
  }
}
