import type { Settings } from '../../settings/schema.ts'
import type { InventoryGap, InventoryItem, SourceName } from '../../words/evidence.ts'
import type { Reading } from '../host/reading.ts'

/**
 * Something to take evidence from. A source lives in the collector, reads the host and knows nothing of
 * frames, seals or stores. Everything it does ends when its signal does.
 */
export interface Source {
  readonly name: SourceName
  /** What is there, by stat only: cheap, no content read. A source with nothing to give returns a gap saying so. */
  inventory(context: SourceContext, signal: AbortSignal): Promise<Inventory>
  /** Evidence that comes up while the capture runs (the journal's last words), asked for at its end. */
  lastWords?(context: SourceContext, signal: AbortSignal): Promise<Inventory>
}

export interface SourceContext {
  readonly settings: Settings
  /** Where the host's file system starts: `/` on a host, a fixture directory in tests. */
  readonly root: string
  /** Ids (of `Found`) this collector has given out in this capture. */
  readonly seen: ReadonlySet<string>
  /** ms that the source has to say what there is: what is not found by then is lost, with all that was. */
  readonly ms: number
}

export interface Inventory {
  readonly found: readonly Found[]
  readonly gaps: readonly InventoryGap[]
}

/** An inventory item together with the way to read it. `id` is unique per source and stable within a capture. */
export interface Found extends InventoryItem {
  /** Starts reading. Called at most once. Reads no more than `limit` bytes of content. */
  open(limit: number, signal: AbortSignal): Promise<Reading>
}
