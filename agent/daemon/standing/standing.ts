import type { Logger } from 'pino'
import type { CaptureRequest } from '../../capture/request.ts'
import type { Settings } from '../../settings/schema.ts'
import type { Store } from '../../store/store.ts'
import { sentence } from '../../words/cannot.ts'
import { abandonable, within } from '../../words/deadline.ts'
import { version } from '../../words/version.ts'
import { Overlay } from './environment.ts'
import type { Idle } from './idle.ts'
import { keepWarm } from './keep-warm.ts'
import { OneAtATime } from './one-at-a-time.ts'
import { requestOf, storeOf } from './prepare.ts'
import { completed, problemsOf, type Reading } from './reading.ts'
import { StoreAtHand, type StoreLease } from './store-at-hand.ts'

/** Reads what the host is and wants: `readStanding`, and in tests something worse. */
export type Read = (signal: AbortSignal) => Promise<Reading>

/** What a capture goes by. Its store stays open until it is disposed of. */
export interface AtTrigger extends StoreLease {
  readonly request: Omit<CaptureRequest, 'trigger'>
  /** Bytes that may be kept on the disk. */
  readonly spool: number
}

/** Opens the store that settings name, an Error where there is none: `storeOf`, and in tests something slower. */
export type Open = (settings: Settings, signal: AbortSignal) => Promise<Store | Error>

/** Settings are local files: what takes longer hangs, and is left out of the first reading. */
const FIRST_MS = 10_000
/** What one renewal may take, with a store to open. */
const RENEW_MS = 10_000
/** What is read again at the trigger is read within this time, ms: a host that goes has other things to do. */
const TRIGGER_MS = 250
/** Where there is no store yet, there is nothing to fall back on: how long one that was named just now may take to open, ms. */
const OPEN_MS = 3_000

const LATE = `settings and host could not be read again within ${TRIGGER_MS} ms: what was read before holds`

const NEVER = new AbortController().signal

/**
 * What the host is and wants right now: settings, name and identity, credentials, trusted authorities, and the store that goes
 * with them. Renewed when its files change, and read again at the trigger; what fails or hangs leaves the last good one in place.
 */
export class Standing implements AsyncDisposable {
  readonly #reads: OneAtATime<Reading>
  readonly #openStore: Open
  readonly #agent: string
  readonly #log: Logger
  readonly #idle: Idle
  readonly #overlay = new Overlay(process.env)
  #reading: Reading
  #atHand: StoreAtHand
  /** Number of the renewal that holds: one that began earlier and ends later takes no later one's place. */
  #holds = 0
  #begun = 0
  #announced = ''
  /** What is wrong, as the log has it: only what is new is worth a line. */
  #told: ReadonlySet<string> = new Set()

  private constructor(read: Read, open: Open, reading: Reading, agent: string, log: Logger, idle: Idle) {
    this.#openStore = open
    // Without an end: a read that hangs goes on whatever we say, and the next one has to know.
    this.#reads = new OneAtATime(() => read(NEVER))
    this.#reading = reading
    this.#agent = agent
    this.#log = log
    this.#idle = idle
    this.#atHand = new StoreAtHand('', new Error('no store has been opened yet'), () => {})
  }

  /** Reads for the first time, and opens the store, which is kept warm in idle time. Goes without what hangs. */
  static async begin(read: Read, log: Logger, idle: Idle, open: Open = storeOf): Promise<Standing> {
    const reading = await read(AbortSignal.timeout(FIRST_MS))
    const standing = new Standing(read, open, reading, await version(), log, idle)
    await standing.#takeUp(reading, 0, NEVER)
    return standing
  }

  /** Reads anew. Never rejects: what cannot be read in time leaves all as it was, and so does the end of idle time. */
  async renew(): Promise<void> {
    const idle = this.#idle.signal
    const limit = within(RENEW_MS, idle)
    try {
      await this.#renewed(limit, limit)
    } catch (error) {
      if (idle.aborted) return
      const why = `cannot read settings and host anew, what was read before holds: ${sentence(error)}`
      this.#tell([...problemsOf(this.#reading), why])
    }
  }

  /** Reads once more, within a quarter of a second, and gives what a capture goes by now. */
  async atTrigger(): Promise<AtTrigger> {
    const bound = AbortSignal.timeout(TRIGGER_MS)
    const opening = this.#atHand.store instanceof Error ? AbortSignal.timeout(OPEN_MS) : bound
    const late = await this.#renewed(bound, opening).then(
      () => [],
      () => [LATE],
    )
    const request = requestOf(this.#reading, this.#agent)
    const { spool } = this
    return { ...this.#atHand.lease(), spool, request: { ...request, problems: [...request.problems, ...late] } }
  }

  /** Bytes that may be kept on the disk. */
  get spool(): number {
    return this.#reading.loaded.settings.spool.max
  }

  /** The store as it is at hand. */
  lease(): StoreLease {
    return this.#atHand.lease()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#atHand.replace()
  }

  async #renewed(read: AbortSignal, open: AbortSignal): Promise<void> {
    const turn = ++this.#begun
    const reading = await this.#reads.fresh(read)
    await this.#takeUp(completed(reading, this.#reading), turn, open)
  }

  /** Makes a reading what holds: together with its store, where that is another one. Rejects when the signal aborts before. */
  async #takeUp(reading: Reading, turn: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const { settings } = reading.loaded
    const variables = reading.environment.variables ?? new Map<string, string>()
    this.#overlay.lay(variables)
    const key = JSON.stringify([settings.store, settings.s3, [...variables], reading.trust.authorities])
    const before = this.#atHand
    // One that could not be opened is tried again: what was in the way may be gone.
    const same = key === before.key && !(before.store instanceof Error)
    const atHand = same ? before : this.#warmed(key, await this.#open(settings, signal))
    if (turn < this.#holds) {
      if (atHand !== before) await atHand.replace()
      return
    }
    const last = this.#atHand
    this.#holds = turn
    this.#reading = reading
    this.#atHand = atHand
    this.#announce()
    if (atHand !== last) await last.replace()
  }

  #warmed(key: string, store: Store | Error): StoreAtHand {
    return new StoreAtHand(key, store, (opened, signal) => {
      void this.#idle.during((idle) => keepWarm(opened, this.#log, idle), signal)
    })
  }

  #announce(): void {
    const { loaded, identity } = this.#reading
    const { store } = this.#atHand
    this.#log.level = loaded.settings.log.level
    this.#tell(problemsOf(this.#reading))
    const nowhere = store instanceof Error
    const line = nowhere
      ? `nothing will be captured: ${store.message}`
      : `${identity.name} is ready: bundles go to ${store.url}`
    if (line !== this.#announced) this.#log[nowhere ? 'error' : 'info'](line)
    this.#announced = line
  }

  #tell(problems: readonly string[]): void {
    for (const problem of problems) if (!this.#told.has(problem)) this.#log.warn(problem)
    this.#told = new Set(problems)
  }

  /** One that opens after the signal has aborted is closed again. */
  async #open(settings: Settings, signal: AbortSignal): Promise<Store | Error> {
    const opening = this.#openStore(settings, NEVER)
    try {
      return await abandonable(opening, signal)
    } catch (error) {
      void opening.then((store) => (store instanceof Error ? undefined : store[Symbol.asyncDispose]())).catch(() => {})
      throw error
    }
  }
}
