import type { Details } from './details.ts'

/**
 * The words of the design as types: what a capture is made of. Everything on either side of the wall speaks these.
 */

/** Why a capture runs. */
export type Trigger = (typeof TRIGGERS)[number]
export const TRIGGERS = ['shutdown', 'notice', 'previous-boot', 'manual'] as const

/** What a source is told of the capture: why it runs, and which boot it is about. */
export interface Occasion {
  readonly trigger: Trigger
  readonly boot: 'this' | 'previous'
  /** What is remembered of the boot before; undefined where nothing is. */
  readonly before?: Before
}

/** What is remembered of the boot before the one that the host is in. */
export interface Before {
  /** 32 hex digits */
  readonly id: string
  /** Whether its end was captured. */
  readonly captured: boolean
  /** Marks of items that were stored since anything is remembered, the latest last: at most MOST_MARKS. */
  readonly stored: readonly string[]
}

/** A boot's id as journald writes it. */
export const BOOT_ID = /^[0-9a-f]{32}$/
/** What tells an item that lies on the host from boot to boot from all others. */
export const MARK = /^[0-9a-f]{16}$/
/** Of 500 cores that one capture takes, twice as many: a request has room for three times that. */
export const MOST_MARKS = 1000

/** How sensitive an artifact is: identity and receipts; facts, traces, journal and logs; the content of memory. */
export type EvidenceClass = 'open' | 'text' | 'memory'

/** Something to take evidence from. */
export type SourceName =
  | 'facts'
  | 'stacks'
  | 'traces'
  | 'live'
  | 'memory'
  | 'executables'
  | 'journal'
  | 'files'
  | 'pstore'
  | 'cores'

/** The class of what a source gives; a journal file that holds a crash's environment is `memory`, and so are heap dumps among files. */
export const CLASS_OF: Readonly<Record<SourceName, EvidenceClass>> = {
  facts: 'text',
  stacks: 'memory',
  traces: 'text',
  live: 'memory',
  memory: 'memory',
  executables: 'memory',
  journal: 'text',
  files: 'text',
  pstore: 'text',
  cores: 'memory',
}

/** The sources that know something of a boot: what lives is of this one, and what kernels have left that have gone is not. */
export const SOURCES_OF: Readonly<Record<Occasion['boot'], ReadonlySet<SourceName>>> = {
  this: new Set(['facts', 'stacks', 'traces', 'live', 'memory', 'executables', 'journal', 'files', 'cores']),
  previous: new Set(['pstore', 'traces', 'cores', 'journal']),
}

/** When an artifact is taken: first of all, while applications live, or after they were let go. */
export type Phase = 'facts' | 'live' | 'stored'

/** What became of a planned artifact; always with a reason when it is not `complete`. */
export type Status = 'complete' | 'truncated' | 'skipped' | 'failed' | 'absent'

/** Who is behind it that something is not complete. */
export type Because = (typeof BECAUSE)[number]
export const BECAUSE = ['limit', 'seal', 'deadline', 'host', 'store', 'collector'] as const

/** `frames`: we compress it into zstd frames; `as-is`: it travels as it lies on disk, already compressed. */
export type Encoding = 'frames' | 'as-is'

/**
 * Why it was not found out on the host whether a core is whole, so that it may have been cut before it was taken. `format`: compressed in a
 * way that is not read there. `headers`: it has no ELF headers, which would say how long it is, or damaged ones. `slow`: it passed by faster
 * than it could be decompressed.
 */
export type Unchecked = (typeof UNCHECKED)[number]
export const UNCHECKED = ['format', 'headers', 'slow'] as const

/** Which thing on the host an artifact shows, as far as it is known. Holds no secret: never a command line. */
export interface ItemIdentity {
  /** Absolute path on the host, for what was a file there; `fetch` puts it back at this place below its root. */
  readonly path?: string
  readonly pid?: number
  readonly comm?: string
  readonly exe?: string
  readonly unit?: string
  /** Id of the container that its cgroup names, in hex. */
  readonly container?: string
  /** Of the pod that the container belongs to, and what it is called there. */
  readonly pod?: string
  readonly namespace?: string
  readonly containerName?: string
  /** Of the executable, as its own note says: `nginx 1.22.1-9 (deb, debian)`. */
  readonly package?: string
  readonly uid?: number
  /** When the process was started: ms since the epoch. */
  readonly started?: number
  readonly threads?: number
  /** Signal number that ended the process. */
  readonly signal?: number
  /** When it happened: ms since the epoch. */
  readonly at?: number
  readonly bootId?: string
  readonly buildId?: string
  /** ms for which the process stood still; of several, the longest. Becomes the receipt's own. */
  readonly freezeMs?: number
  /** Pages that changed while they were read, or were read after the process had been let go. */
  readonly torn?: number
  /** Whoever owns the file (`uid`) may have made it up: nothing else here is more than that user's word. */
  readonly claimed?: boolean
  /** Bytes of the content that are a sparse file's holes: zeros that were not read. */
  readonly holes?: number
  /** Of a core: why nobody has compared its length with what its headers promise. */
  readonly unchecked?: Unchecked
  /** What its source knows besides. Becomes the receipt's own. */
  readonly details?: Details
  /** What else a person should read, in a sentence: what was said of it and cannot be, why an earlier try failed. */
  readonly note?: string
}

/** One thing that a source found, by stat only: an artifact to be. */
export interface InventoryItem {
  /** Names the item on the wall; means something to the collector that gave it out, during one capture. */
  readonly id: string
  readonly source: SourceName
  /** The artifact's name in the bundle, without the seal's suffix: `cores/app.4711.core.zst`. */
  readonly name: string
  readonly class: EvidenceClass
  readonly phase: Phase
  readonly encoding: Encoding
  /** Bytes that will be read, as far as stat tells. */
  readonly bytes: number
  /** Bytes of these that are a sparse file's holes, as far as stat tells: they cost next to no time. */
  readonly holes?: number
  /** Bytes stored per byte read, as a guess for the plan: 1 for what is compressed already. */
  readonly ratio: number
  /** Worth of the whole item to the person who reads it, against a facts artifact of 1000. */
  readonly value: number
  /** It is taken only where something is wrong with the host. */
  readonly when?: 'trouble'
  /** ms for which it may rightly give nothing (a core that is still being written); else silence is a hang. */
  readonly patience?: number
  /** Of what lies on the host from boot to boot: the same for the same file as long as nothing writes to it. */
  readonly mark?: string
  readonly identity: ItemIdentity
}

/** An item as it is listed, with what its collector has decided on how it may leave the host. */
export interface ListedItem extends InventoryItem {
  readonly sealed: boolean
  /** Why it may not leave. */
  readonly closed?: string
}

/** A source that has nothing to give, or could not be asked: becomes a receipt. */
export interface InventoryGap {
  /** `collector`: it has listed something of which not even that can be told. */
  readonly source: SourceName | 'collector'
  readonly class: EvidenceClass
  readonly status: 'absent' | 'failed' | 'skipped'
  readonly reason: string
  /** Who is behind it, where that is not what the status says: the host for `failed`, a setting for `skipped`. */
  readonly because?: Because
  /** What it is about: a directory (`path`) and whose files in it (`uid`). */
  readonly identity?: ItemIdentity
}
