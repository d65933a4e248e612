import type { Shutdown } from '../bundle/schema.ts'
import type { Because, InventoryGap, ItemIdentity, ListedItem } from '../words/evidence.ts'

/** What the collector says over the wall, as PROTOCOL.md has it. */

export interface Listing {
  readonly items: readonly ListedItem[]
  readonly gaps: readonly InventoryGap[]
}

/** The boot before the one that the host is in, as far as the host tells. */
export interface BootTold {
  /** 32 hex digits */
  readonly id?: string
  /** `closed`: journald has closed its files, as in an ordered stop; `cut`: it has not; `none`: there is no journal of it. */
  readonly journal: 'closed' | 'cut' | 'none'
}

/** How taking an item ended, as the collector saw it. */
export interface Taken {
  readonly bytesIn: number
  readonly ms: number
  readonly frames?: number
  readonly truncated?: string
  readonly identity?: ItemIdentity
}

export interface Failure {
  readonly reason: string
  readonly because: Because
}

export type Why = Shutdown

/** Who else is being stopped while the host goes down. */
export interface Stopping {
  /** Services and scopes, but ours, that are being stopped at this moment. */
  readonly running: number
  /** The hold has not let go yet, or systemd has not seen it: nobody has been asked to stop. */
  readonly held: boolean
}

/**
 * What is told to a daemon that attends. `held`: whether the lock of the hold is, by now. `announced`: logind says that the host is about to go down;
 * systemd begins with it in `within` ms at the latest. `cancelled`: it does not go after all.
 */
export type Attended =
  | { readonly waiting: true }
  | { readonly held: boolean }
  | { readonly shutdown: 'announced'; readonly within: number }
  | { readonly shutdown: 'cancelled' }

export interface Health {
  readonly version: string
  readonly problems: readonly string[]
  /** Why class `memory` is closed. */
  readonly closed?: string
  /** Why cores of what crashes while the host goes down cannot be taken over. */
  readonly unarmed?: string
}
