import type { About } from '../../bundle/schema.ts'
import type { Before, Trigger } from '../../words/evidence.ts'

/** A capture that is due now. */
export interface Due {
  readonly trigger: Exclude<Trigger, 'manual'>
  /** When it must have ended, on the clock of `performance.now()`, where the trigger knows better than the settings. */
  readonly until?: number
  /** What it is about, where that is the boot before, and what is remembered of that. */
  readonly about?: About
  readonly before?: Before
  /** Told whether a closing manifest has come of it. */
  readonly onEnd?: (isStored: boolean) => void
  /** Of a shutdown that is only announced, and may be cancelled: in how many ms systemd begins with it at the latest, and says so. */
  readonly announced?: number
}

/** What the daemon is told: by triggers, and of the capture under way. */
export type Word =
  | { readonly is: 'due'; readonly due: Due }
  /** The host does not go down, as had been announced. */
  | { readonly is: 'cancelled' }
  /** The host goes without waiting for anybody: what is not said within two seconds is never said. */
  | { readonly is: 'forced' }
  /** The capture under way has ended. */
  | { readonly is: 'ended' }

/** A way to be told: watches until the signal aborts, and says what it hears at once. */
export type Watch = (tell: (word: Word) => void, signal: AbortSignal) => void
