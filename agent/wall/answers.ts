import type { Shutdown } from '../bundle/schema.ts'
import type { Because, InventoryGap, ItemIdentity, ListedItem } from '../words/evidence.ts'

/** What the collector says over the wall, as PROTOCOL.md has it. */

export interface Listing {
  readonly items: readonly ListedItem[]
  readonly gaps: readonly InventoryGap[]
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

export interface Health {
  readonly version: string
  readonly problems: readonly string[]
  /** Why class `memory` is closed. */
  readonly closed?: string
}
