import type { Settings } from '../../settings/schema.ts'
import type { InventoryGap, InventoryItem, Occasion, SourceName } from '../../words/evidence.ts'
import type { BootBefore } from '../host/boot-before.ts'
import type { Reading } from '../host/reading.ts'
import type { HandedCrashes } from '../kept-stacks/handed-crashes.ts'
import type { KeptStacks } from '../kept-stacks/kept-stacks.ts'
import type { Patients } from '../processes/patients.ts'

/**
 * Something to take evidence from. A source lives in the collector, reads the host and knows nothing of
 * frames, seals or stores. Everything it does ends when its signal does.
 */
export interface Source {
  readonly name: SourceName
  /** Begins a look at the host for one capture. What is remembered in it is of that capture alone. */
  open(context: SourceContext): SourceSession
}

export interface SourceSession {
  /**
   * What is there, by stat only: cheap, no content read. A source with nothing to give returns a gap saying so. Asked once.
   * What is not found within `ms` is lost, with all that was.
   */
  inventory(ms: number, signal: AbortSignal): Promise<Inventory>
  /**
   * What comes up after the inventory, while the capture runs. Once `stop` aborts it gives what there is to say last, and ends;
   * each look has `ms`.
   */
  comesUp?(ms: number, stop: AbortSignal, signal: AbortSignal): AsyncIterable<Inventory>
}

export interface SourceContext {
  readonly settings: Settings
  /** Where the host's file system starts: `/` on a host, a fixture directory in tests. */
  readonly root: string
  readonly occasion: Occasion
  readonly patients: Patients
  /** Stacks of processes, from who takes them to who unwinds them. */
  readonly kept: KeptStacks
  /** The same of crashes whose cores the kernel hands over. */
  readonly crashes: HandedCrashes
  /** What the capture is about, where that is the boot before. */
  readonly before: BootBefore | undefined
}

export interface Inventory {
  readonly found: readonly Found[]
  readonly gaps: readonly InventoryGap[]
}

/** An inventory item together with the way to read it. `id` is unique per source and stable within a session. */
export interface Found extends InventoryItem {
  /** Starts reading, no more than `limit` bytes of content. Called again only after a reading that gave nothing. */
  open(limit: number, signal: AbortSignal): Promise<Reading>
}
