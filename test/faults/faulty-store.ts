import { isAgain, isArtifact } from '../../agent/spool/states.ts'
import { Pace } from '../../agent/store/pace.ts'
import { leadingParts } from '../../agent/store/parts.ts'
import { type Store, type Stored, StoreError, type StoreFailure, type Upload } from '../../agent/store/store.ts'
import { abandonable } from '../../agent/words/deadline.ts'
import type { TestClock } from '../clock.ts'
import { drawOf } from './draw.ts'
import type { Fault, Verb, Weather } from './weather.ts'

/** A request that was sent, for what is looked at afterwards. */
interface Sent {
  readonly what: string
  readonly signal: AbortSignal
  isOver: boolean
}

/** Of requests that are given up, so many arrive all the same; and how late at most. */
const LATE_SHARE = 0.3
const MOST_LATE_MS = 60_000

/** What somebody else has put under a key. */
export const ANOTHERS = Buffer.from('another’s')

/**
 * A bucket in memory and the way to it, as a capture sees it through `store/s3`, in the weather of a seed. What a request meets hangs on the seed,
 * what is asked for, and how often it was: not on the order of requests. `healed`: the weather is fair from now on.
 */
export class FaultyStore implements Store {
  readonly url = 's3://memory'
  readonly pace: Pace
  readonly objects = new Map<string, Buffer>()
  /** When each object came to be, on the clock. */
  readonly at = new Map<string, number>()
  /** Every fault that a request has met. */
  readonly met: { readonly fault: Fault; readonly what: string; readonly at: number }[] = []
  healed = false
  /** Nobody else takes keys that are asked for. */
  isAlone = false
  readonly #clock: TestClock
  readonly #seed: number
  readonly #weather: Weather
  readonly #asked = new Map<string, number>()
  readonly #sent: Sent[] = []
  /** Uploads that nobody has completed, and the parts that have arrived. */
  readonly #unfinished: {
    readonly key: string
    readonly arrived: Map<number, Buffer>
    readonly doubted: Map<number, Buffer>
  }[] = []

  constructor(clock: TestClock, seed: number, weather: Weather) {
    this.#clock = clock
    this.#seed = seed
    this.#weather = weather
    this.pace = new Pace(() => clock.now())
  }

  async warm(): Promise<void> {}

  async put(key: string, body: Buffer, signal: AbortSignal): Promise<Stored> {
    // As a part on its way it is not looked at again once it is given up.
    const content = Buffer.from(body)
    await this.#request('put', key, content, () => this.#keep(key, content), signal)
    return this.#stored(key, content.length)
  }

  async begin(key: string, signal: AbortSignal): Promise<Upload> {
    await this.#request('begin', key, NOTHING, () => {}, signal)
    const arrived = new Map<number, Buffer>()
    /** Of these the answer was lost. */
    const doubted = new Map<number, Buffer>()
    this.#unfinished.push({ key, arrived, doubted })
    let completing = false
    let isMine = false
    return {
      key,
      part: async (number, body, signal) => {
        const content = Buffer.from(body)
        const done = () => void (this.#weather.isCeph && doubted.set(number, content))
        await this.#request('part', `${key}#${number}`, content, done, signal)
        arrived.set(number, content)
      },
      complete: async (signal) => {
        const all = new Map([...doubted, ...arrived])
        const { count, bytes } = leadingParts(new Map([...all].map(([number, { length }]) => [number, length])))
        if (count === 0) throw failed('permanent', 'complete', key, 'its first part is missing')
        const content = Buffer.concat(Array.from({ length: count }, (_, n) => all.get(n + 1) as Buffer))
        const done = () => {
          if (!isMine) this.#keep(key, content)
          isMine = true
        }
        try {
          await this.#request('complete', key, NOTHING, done, signal)
        } catch (thrown) {
          if (!(thrown instanceof StoreError)) throw thrown
          if (!(completing && thrown.failure === 'exists')) {
            completing ||= thrown.doubtful
            throw thrown
          }
        }
        return this.#stored(key, bytes)
      },
    }
  }

  /** Completes uploads with what has arrived, as a salvager does who leaves to the drain what is its own (SPOOL.md). */
  salvage(): void {
    for (const { key, arrived, doubted } of this.#unfinished) {
      const parts = [...new Map([...doubted, ...arrived])].sort(([a], [b]) => a - b)
      if (parts.length === 0 || isAgain(key) || this.objects.has(key)) continue
      this.objects.set(key, Buffer.concat(parts.map(([, part]) => part)))
    }
  }

  /** Gives a key to somebody else. */
  giveAway(key: string): void {
    if (!this.objects.has(key)) this.objects.set(key, ANOTHERS)
  }

  /** Requests that nobody has ended. */
  get open(): readonly string[] {
    return this.#sent.filter(({ isOver, signal }) => !isOver && !signal.aborted).map(({ what }) => what)
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #request(verb: Verb, key: string, body: Buffer, done: () => void, signal: AbortSignal): Promise<void> {
    const what = `${verb} ${key}`
    const sent: Sent = { what, signal, isOver: false }
    this.#sent.push(sent)
    const fault = this.#meets(verb, key)
    if (fault !== undefined) this.met.push({ fault, what, at: this.#clock.now() })
    try {
      if (signal.aborted) throw ended(verb, key, signal)
      await this.pace.during(body.length, () => this.#work(verb, key, body, done, fault, signal))
    } finally {
      sent.isOver = true
    }
  }

  #meets(verb: Verb, key: string): Fault | undefined {
    // Ids of bundles are random.
    const name = key.replace(/\d{8}T\d{6}Z-[0-9a-f]{16}/, 'bundle').replace(/dt=[-\d]+/, 'day')
    const nth = (this.#asked.get(`${verb} ${key}`) ?? 0) + 1
    this.#asked.set(`${verb} ${key}`, nth)
    if (this.healed) return undefined
    const now = this.#clock.now()
    for (const [n, { from, to, share, fault, meets }] of this.#weather.spells.entries()) {
      if (now < from || now >= to || !meets(verb, key)) continue
      if (!drawOf(this.#seed, 'meets', n, verb, name, nth).chance(share)) continue
      // Of a key that we may have sent something to already, nobody knows.
      if (fault.is === 'taken' && (nth > 1 || verb !== 'put' || this.isAlone || isLaterDocument(key) || isAgain(key)))
        continue
      // The SDK takes over the store's time.
      if (fault.is === 'skewed' && nth > 1) continue
      return fault
    }
    return undefined
  }

  async #work(verb: Verb, key: string, body: Buffer, done: () => void, fault: Fault | undefined, signal: AbortSignal) {
    const { ms, rate } = this.#weather
    const pass = (time: number) =>
      abandonable(this.#clock.sleep(time), signal).catch(() => {
        // What was given up may lie in a buffer, and arrive.
        const late = drawOf(this.#seed, 'late', verb, body.length)
        if (late.chance(LATE_SHARE)) this.#clock.after(late.magnitude(1, MOST_LATE_MS), () => attempt(done))
        throw ended(verb, key, signal)
      })
    const travel = ms + (body.length / rate) * 1000
    const no = (failure: StoreFailure, why: string, doubtful = false) => failed(failure, verb, key, why, doubtful)
    switch (fault?.is) {
      case 'refused':
        await pass(ms / 2)
        throw no('transient', 'the connection was refused')
      case 'reset':
        await pass(travel / 2)
        throw no('transient', 'the connection was reset', true)
      case 'lost':
        await pass(travel)
        done()
        throw no('transient', 'the answer broke off', true)
      case '500':
        await pass(travel)
        if (fault.done) done()
        throw no('transient', 'the store says 500 InternalError', true)
      case 'slow-down':
        await pass(ms)
        throw no('transient', 'the store says 503 SlowDown')
      case 'conflict':
        await pass(ms)
        throw no('transient', 'the store says 409 ConditionalRequestConflict')
      case 'forbidden':
        await pass(ms)
        throw no('denied', 'the store says 403 AccessDenied')
      case 'expired':
        await pass(ms)
        throw no('denied', 'the store says 400 ExpiredToken')
      case 'no-credentials':
        await pass(ms)
        throw no('transient', 'there are no credentials just now')
      case 'skewed':
        await pass(ms)
        throw no('transient', 'the store says 403 RequestTimeTooSkewed')
      case 'permanent':
        await pass(ms)
        throw no('permanent', 'the store says 507 StorageFull')
      case 'taken':
        if (!this.objects.has(key)) this.objects.set(key, ANOTHERS)
        await pass(ms)
        throw no('exists', 'the store says 412 PreconditionFailed')
      case 'silence': {
        if (fault.done !== undefined) this.#clock.after(fault.done, () => attempt(done))
        await pass(fault.noticed ?? Number.POSITIVE_INFINITY)
        throw no('transient', 'there was no sign of life', true)
      }
      case 'stall':
        await pass(travel + fault.ms)
        return done()
      case 'slow':
        await pass(ms + (body.length / fault.rate) * 1000)
        return done()
      case undefined:
        await pass(travel)
        return done()
    }
  }

  #keep(key: string, content: Buffer): void {
    if (this.objects.has(key)) throw failed('exists', 'store', key, 'the store says 412 PreconditionFailed')
    this.objects.set(key, content)
    this.at.set(key, this.#clock.now())
  }

  #stored(key: string, bytes: number): Stored {
    const { clockSkew } = this.#weather
    return { key, bytes, ...(clockSkew !== undefined && { clockSkew }) }
  }
}

/** Of a bundle that is begun: its id is random, so nobody else writes these (SPOOL.md). */
function isLaterDocument(key: string): boolean {
  return !key.endsWith('opening.json') && !isArtifact(key)
}

const NOTHING = Buffer.alloc(0)

function failed(failure: StoreFailure, verb: string, key: string, why: string, doubtful = false): StoreError {
  return new StoreError(failure, `cannot ${verb} ${key}: ${why}`, { doubtful })
}

function ended(verb: string, key: string, { reason }: AbortSignal): StoreError {
  const why = reason instanceof Error ? reason.message : String(reason)
  return failed('transient', verb, key, `its time was up (${why}), and the store had not answered`, true)
}

/** What comes late to a key that is taken comes to nothing. */
function attempt(done: () => void): void {
  try {
    done()
  } catch {
    // Nobody hears of it.
  }
}
