import type { BundleName } from '../bundle/keys.ts'
import { divide, FORCED_WITHIN } from '../plan/budget.ts'
import { flush } from '../spool/flush.ts'
import { Keeper } from '../spool/keeper.ts'
import type { Place } from '../spool/place.ts'
import { type Kept, type Spooled, spooled } from '../spool/spooled.ts'
import { type Store, StoreError } from '../store/store.ts'
import type { Clock } from '../words/clock.ts'
import { type Deadline, within } from '../words/deadline.ts'

/** What the disk behind a store has to know of a capture. */
export interface Terms {
  /** Undefined where there is no state directory. */
  readonly spool: Place | undefined
  /** Bytes that may be kept. */
  readonly most: number
  /** ms for which applications may wait. */
  readonly hold: number
  readonly deadline: Deadline
  /** Ends when the host is forced down. */
  readonly hurry: AbortSignal
  readonly clock: Clock
}

/** statfs and a few names: a disk that takes longer hangs. */
const DISK_MS = 1_000
/** Of the time for the opening, so that it is still written to the disk. */
const OPENING_SHARE = 3 / 4
/** For a store that is asked once more at the end. */
const FLUSH_MS = 3_000

/** A capture's store, with the disk behind it. */
export class Backing {
  readonly store: Spooled
  readonly #store: Store
  readonly #terms: Terms
  /** When the opening would have been given up, on the clock: as long is any store tried. */
  readonly #patient: number

  constructor(store: Store, terms: Terms) {
    const { spool, most, hold, deadline, hurry, clock } = terms
    const { reach, opening } = divide(deadline.left(), hold)
    this.#store = store
    this.#terms = terms
    this.#patient = clock.now() + opening
    const open = async (signal: AbortSignal) => {
      if (spool === undefined) throw new StoreError('permanent', 'there is no state directory to keep it in')
      return await Keeper.open(spool, store.url, most, within(DISK_MS, signal, clock))
    }
    let ends = Number.POSITIVE_INFINITY
    const onHurry = () => {
      ends = clock.now() + FORCED_WITHIN.end
    }
    if (hurry.aborted) onHurry()
    else hurry.addEventListener('abort', onHurry, { once: true })
    const left = () => Math.min(deadline.left(), ends - clock.now())
    const patience = { silence: reach, most: opening * OPENING_SHARE, left, hurry }
    this.store = spooled(store, open, patience, clock)
  }

  get kept(): Readonly<Kept> {
    return this.store.kept
  }

  /** Tries the store once more, when a bundle is closed, and gives what stays on the disk. */
  async flushed(bundle: BundleName, signal: AbortSignal): Promise<Readonly<Kept>> {
    const { spool, deadline, hurry, clock } = this.#terms
    const limit = AbortSignal.any([hurry, within(deadline.left(), signal, clock)])
    if (this.kept.objects === 0 || spool === undefined || limit.aborted) return this.kept
    const ms = Math.max(FLUSH_MS, this.#patient - clock.now())
    const stored = await flush(spool, this.#store, bundle, ms, clock, limit)
    return { ...this.kept, objects: this.kept.objects - stored }
  }
}
