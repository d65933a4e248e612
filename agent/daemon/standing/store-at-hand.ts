import type { Store } from '../../store/store.ts'

/** A store in use: it stays open until the lease ends. */
export interface StoreLease extends AsyncDisposable {
  readonly store: Store | Error
}

/** The store that settings name, kept warm until another takes its place, and open until nobody uses it any more. */
export class StoreAtHand {
  readonly store: Store | Error
  /** What it was opened with: another key means another store. */
  readonly key: string
  readonly #warming = new AbortController()
  #users = 0
  #replaced = false

  /** `keepWarm` runs until its signal aborts. */
  constructor(key: string, store: Store | Error, keepWarm: (store: Store, signal: AbortSignal) => void) {
    this.key = key
    this.store = store
    if (!(store instanceof Error)) keepWarm(store, this.#warming.signal)
  }

  lease(): StoreLease {
    this.#users += 1
    const { store } = this
    return {
      store,
      [Symbol.asyncDispose]: async () => {
        this.#users -= 1
        await this.#close()
      },
    }
  }

  /** Another one has taken its place. */
  async replace(): Promise<void> {
    this.#replaced = true
    this.#warming.abort(new Error('another store has taken its place'))
    await this.#close()
  }

  async #close(): Promise<void> {
    if (!this.#replaced || this.#users > 0 || this.store instanceof Error) return
    await this.store[Symbol.asyncDispose]()
  }
}
