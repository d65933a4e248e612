import type { InventoryGap, InventoryItem, ItemIdentity, SourceName } from '../bundle/evidence.ts'
import type { Settings } from '../settings/schema.ts'

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

/**
 * Content on its way out. `chunks` are owned by the consumer once yielded; any size, at most READ_BYTES each. One that it is
 * done with it may hand back by `next(chunk)`: whoever reads a file reads into it again.
 */
export interface Reading extends AsyncDisposable {
  readonly chunks: AsyncIterable<Buffer>
  /** After the last chunk: whether something is missing, and what more is known of the item. */
  outcome(): Outcome
}

export interface Outcome {
  /** Why the content is not all of it, where it is not ("the file shrank while it was read"). */
  readonly truncated?: string
  /** What was learnt while reading; merged over the inventory's identity. */
  readonly identity?: ItemIdentity
}

/** Largest chunk a reading yields. One zstd block's worth, so that a block is one read: see frames/FRAMES.md. */
export const READ_BYTES = 4 * 1024 * 1024
