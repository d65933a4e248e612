import type { Pace } from '../store/pace.ts'
import { type Store, type Stored, StoreError, type Upload } from '../store/store.ts'
import { cannot } from '../words/cannot.ts'
import type { Clock } from '../words/clock.ts'
import type { Keeper } from './keeper.ts'
import { type Patience, Reach } from './reach.ts'
import { type Before, isArtifact, mayGoAhead } from './states.ts'

/** A store of which what it cannot take lies on the disk. */
export interface Spooled extends Store {
  readonly kept: Readonly<Kept>
}

/** What was kept for the next boot. */
export interface Kept {
  objects: number
  bytes: number
  /** What the store failed with last. */
  because?: StoreError
  /** Why nothing can be. */
  refused?: StoreError
}

/** Opens the keeper. Rejects with a StoreError where nothing can be kept. */
export type OpenKeeper = (signal: AbortSignal) => Promise<Keeper>

/**
 * A store that is backed by the disk: what it fails to take because it cannot be reached is kept by the keeper instead, and once it is
 * out of reach it is asked no more. An upload goes on on the disk where nothing of it had arrived; else it fails, and what comes
 * then under the same key is kept under another. Where nothing can be kept, this is the store itself.
 */
export function spooled(store: Store, open: OpenKeeper, patience: Patience, clock: Clock): Spooled {
  const backed = new Backed(store, open, patience, clock)
  return {
    ...store,
    kept: backed.kept,
    get pace() {
      return backed.pace
    },
    put: (key, body, signal) => backed.put(key, body, signal),
    begin: (key, signal) => backed.begin(key, signal),
  }
}

/** What the store made of a request, or why it could not be asked. */
type Asked<T> = { readonly done: T } | { readonly failed: StoreError | undefined }

class Backed {
  readonly kept: Kept = { objects: 0, bytes: 0 }
  readonly #store: Store
  readonly #open: OpenKeeper
  readonly #reach: Reach
  #opening: Promise<Keeper> | undefined
  #keeper: Keeper | undefined
  /** Keys under which an upload was begun, and those under which something was sent that was not kept either. */
  readonly #begun = new Set<string>()
  readonly #other = new Set<string>()
  readonly #onDisk: string[] = []

  constructor(store: Store, open: OpenKeeper, patience: Patience, clock: Clock) {
    this.#store = store
    this.#open = open
    this.#reach = new Reach(patience, store.pace, clock)
  }

  get pace(): Pace {
    return this.#keeper !== undefined && this.#reach.isAway ? this.#keeper.pace : this.#store.pace
  }

  async put(key: string, body: Buffer, signal: AbortSignal): Promise<Stored> {
    const same = !this.#reach.isAway
    const work = (limit: AbortSignal) => this.#store.put(key, body, limit)
    const asked = await this.#ask(work, signal)
    if ('done' in asked) return asked.done
    try {
      const keeper = await this.#disk(signal)
      this.#count(key, await keeper.put(key, body, this.#before(key, same), signal))
      return { key, bytes: body.length }
    } catch (thrown) {
      if (same) this.#other.add(key)
      // Opening, manifest and row are what all else is found by: the store may yet come back. But none comes before what it speaks of.
      if (!isArtifact(key) && mayGoAhead(key, this.#onDisk) && !signal.aborted) return await work(signal)
      throw both(asked.failed, thrown)
    }
  }

  async begin(key: string, signal: AbortSignal): Promise<Upload> {
    const asked = await this.#ask((limit) => this.#store.begin(key, limit), signal)
    if ('failed' in asked) return await this.#beginOnDisk(key, asked.failed, signal)
    this.#begun.add(key)
    return this.#switching(key, asked.done)
  }

  /** An upload that goes on on the disk when nothing of it has arrived. */
  #switching(key: string, upload: Upload): Upload {
    let onDisk: Upload | undefined
    let sent = 0
    return {
      key,
      part: async (number, body, signal) => {
        if (onDisk !== undefined) return await onDisk.part(number, body, signal)
        const isFirst = number === 1 && sent++ === 0
        const asked = await this.#ask((limit) => upload.part(number, body, limit), signal)
        if ('done' in asked) return
        if (!isFirst) throw asked.failed ?? this.#silent()
        onDisk = await this.#beginOnDisk(key, asked.failed, signal)
        await onDisk.part(number, body, signal)
      },
      complete: async (signal) => {
        if (onDisk !== undefined) return await onDisk.complete(signal)
        const asked = await this.#ask((limit) => upload.complete(limit), signal)
        if ('done' in asked) return asked.done
        throw asked.failed ?? this.#silent()
      },
    }
  }

  async #beginOnDisk(key: string, failed: StoreError | undefined, signal: AbortSignal): Promise<Upload> {
    try {
      const keeper = await this.#disk(signal)
      const upload = await keeper.begin(key, this.#before(key, false), signal)
      return {
        key,
        part: (number, body, signal) => upload.part(number, body, signal),
        complete: async (signal) => {
          const { bytes } = await upload.complete(signal)
          this.#count(key, bytes)
          return { key, bytes }
        },
      }
    } catch (thrown) {
      throw both(failed, thrown)
    }
  }

  /** Asks the store while it is within reach; and in any case where there is no disk. Throws what the store answers. */
  async #ask<T>(work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<Asked<T>> {
    if (this.kept.refused !== undefined) return { done: await work(signal) }
    if (this.#reach.isAway && !signal.aborted) return { failed: undefined }
    try {
      return { done: await this.#reach.during(work, signal) }
    } catch (thrown) {
      const failed = this.#failed(thrown, signal)
      this.kept.because = failed
      await this.#disk(signal).catch(() => {})
      if (this.kept.refused === undefined) return { failed }
      if (!this.#reach.isAway) throw failed
      return { done: await work(signal) }
    }
  }

  /** What a call came to that the store did not answer; throws what it did answer, and what its own time ended. */
  #failed(thrown: unknown, signal: AbortSignal): StoreError {
    const isTransient = thrown instanceof StoreError && thrown.failure === 'transient'
    if (isTransient && !signal.aborted) return thrown
    if (this.#reach.isAway && !signal.aborted && !(thrown instanceof StoreError)) return this.#silent()
    if (thrown instanceof StoreError) throw thrown
    throw new StoreError('transient', cannot(`use ${this.#store.url}`, thrown).message, {
      cause: thrown,
      doubtful: true,
    })
  }

  /** The keeper, opened when it is needed; one that could not be opened is not tried again. */
  async #disk(signal: AbortSignal): Promise<Keeper> {
    this.#opening ??= this.#open(signal)
    try {
      this.#keeper = await this.#opening
      return this.#keeper
    } catch (thrown) {
      const why = both(undefined, thrown)
      // A caller whose time was up has found out nothing.
      if (signal.aborted) this.#opening = undefined
      else this.kept.refused ??= why
      throw why
    }
  }

  #before(key: string, same: boolean): Before {
    return { begun: this.#begun.has(key), same, other: this.#other.has(key) }
  }

  #count(key: string, bytes: number): void {
    this.#onDisk.push(key)
    this.kept.objects += 1
    this.kept.bytes += bytes
  }

  #silent(): StoreError {
    return new StoreError('transient', cannot(`reach ${this.#store.url}`, 'it does not answer').message, {
      doubtful: true,
    })
  }
}

/** Neither in the store nor on the disk: both say why. */
function both(failed: StoreError | undefined, thrown: unknown): StoreError {
  const error = thrown instanceof StoreError ? thrown : new StoreError('permanent', (thrown as Error).message)
  return failed === undefined
    ? error
    : new StoreError(error.failure, `${failed.message}; ${error.message}`, { cause: thrown })
}
