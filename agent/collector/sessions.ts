import { randomBytes } from 'node:crypto'
import type { Settings } from '../settings/schema.ts'
import { Refusal } from '../wall/refusal.ts'
import type { InventoryGap, SourceName } from '../words/evidence.ts'
import type { BootBefore } from './host/boot-before.ts'
import type { Patients } from './processes/patients.ts'
import type { Found, SourceSession } from './sources/source.ts'
import type { Vitals } from './witnesses/look-around.ts'

/** One capture's conversation: what it goes by, and what it was told. Nothing of it is shared with another's. */
export interface Session {
  readonly id: string
  /** ms since the epoch */
  readonly began: number
  /** Those in force when it was opened. */
  readonly settings: Settings
  readonly sources: readonly { readonly name: SourceName; readonly look: SourceSession }[]
  /** The items that it was given, by their ids on the wall. */
  readonly items: Map<string, Found>
  readonly gaps: InventoryGap[]
  /** What it is about, where that is the boot before. */
  readonly before: BootBefore | undefined
  /** The living processes, looked at once for all who ask. */
  readonly patients: Patients
  /** What the host suffers from, from when that was asked first: later others are being stopped. */
  vitals?: Promise<Vitals>
  isWatched: boolean
}

/** A session that somebody uses; disposing of this ends that. */
export interface Held extends Disposable {
  readonly session: Session
}

/**
 * Sessions that nobody uses at the moment and that are kept all the same, as a capture rests between two takes. It opens one each time that it
 * asks all sources: four besides the one that it watches (capture/try-again.ts). There are two captures at once when a shutdown comes while
 * another runs; what is beyond that belongs to daemons that are gone.
 */
export const RESTING = 8

/** The sessions that are open. No daemon ever closes one: the one unused for the longest time is forgotten, for too many that rest. */
export class Sessions {
  /** The last used ones last. */
  readonly #open = new Map<string, { readonly session: Session; users: number }>()

  /** Begins a session and uses it. */
  begin(of: Pick<Session, 'settings' | 'sources' | 'before' | 'patients'>): Held {
    const id = randomBytes(8).toString('hex')
    const session = { ...of, id, began: Date.now(), items: new Map(), gaps: [], isWatched: false }
    this.#open.set(id, { session, users: 0 })
    return this.use(id)
  }

  /** Uses a session: it is not forgotten meanwhile. Throws a Refusal where there is none. */
  use(id: string): Held {
    const open = this.#open.get(id)
    if (open === undefined) throw new Refusal('collector', UNKNOWN)
    open.users += 1
    return {
      session: open.session,
      [Symbol.dispose]: () => {
        open.users -= 1
        // One that was dropped meanwhile does not come back.
        if (this.#open.delete(id)) this.#open.set(id, open)
        this.#forget()
      },
    }
  }

  /** Forgets a session that nobody was told of. */
  drop({ id }: Session): void {
    this.#open.delete(id)
  }

  #forget(): void {
    const resting = [...this.#open].filter(([, { users }]) => users === 0)
    for (const [id] of resting.slice(0, Math.max(0, resting.length - RESTING))) this.#open.delete(id)
  }
}

const UNKNOWN = 'cannot go on: the collector has no such session (any more); it may have been started anew'
