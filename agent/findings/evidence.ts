import type { Finding } from '../bundle/schema.ts'
import type { History } from './history.ts'
import type { KernelMessage } from './kernel-words.ts'

/** Who something is about, as far as that is known. */
export type Who = Finding['subject']

/** What the rules look at: plain data of one host, all of it bounded by whoever has read it. What is not known is not there. */
export interface Evidence {
  /** When the capture began, in ms since the epoch: what was logged later belongs to the host's going down. */
  readonly began: number
  /** The kernel's own messages, the oldest first. */
  readonly kernel: readonly KernelMessage[]
  /** Units that have failed, as systemd says now. */
  readonly failed: readonly string[]
  /** What systemd has logged of units, the newest first. */
  readonly unitFailures: readonly UnitFailure[]
  readonly restarts: readonly UnitEvent[]
  /** The newest lines that system services have logged, the oldest first. */
  readonly lines: readonly Line[]
  /** Threads of all processes. */
  readonly tasks: Used | undefined
  /** Open files of the host. */
  readonly files: Used | undefined
  readonly groups: readonly Group[]
  readonly descriptors: readonly Descriptors[]
  readonly fileSystems: readonly FileSystemUse[]
  /** Tracked by the firewall. */
  readonly connections: Used | undefined
  /** Local ports towards the one peer that has most of them. */
  readonly ports: Used | undefined
  readonly hangs: readonly Hang[]
  readonly history: History | undefined
  /** Of the files that rules of the image's builder name: of those of /proc and /sys the beginning, of others the end. */
  readonly texts: ReadonlyMap<string, string>
}

/** How much is used of something that has a limit. */
export interface Used {
  readonly used: number
  readonly most: number
}

export interface UnitEvent {
  readonly unit: string
  /** ms since the epoch */
  readonly at: number
}

export interface UnitFailure extends UnitEvent {
  /** UNIT_RESULT of systemd: `exit-code`, `timeout`, `oom-kill`. */
  readonly result: string | undefined
}

export interface Line {
  readonly unit: string
  /** ms since the epoch */
  readonly at: number
  readonly text: string
}

/** A cgroup that has a limit of tasks. */
export interface Group extends Used {
  readonly who: Who
  /** Forks that were refused by this limit since the group was made. */
  readonly refused: number
}

/** Descriptors of one process. */
export interface Descriptors extends Used {
  readonly who: Who
}

export interface FileSystemUse {
  readonly path: string
  /** Bytes */
  readonly size: number
  /** Bytes, to others than root. */
  readonly available: number
  readonly inodes: number
  readonly inodesUsed: number
}

/** A thread that gets nowhere. */
export type Hang = { readonly who: Who; readonly tid: number } & (
  | { readonly kind: 'blocked'; readonly wchan: string | undefined }
  /** Who waits for whom, thread by thread; empty where all of the process's threads wait, and none is left to wake one. */
  | { readonly kind: 'deadlock'; readonly waits: readonly Wait[] }
  /** `seconds` of processor time so far. */
  | { readonly kind: 'spinning'; readonly seconds: number }
)

export interface Wait {
  readonly tid: number
  readonly holder: number
}

/** Evidence of nothing at all. */
export function noEvidence(began: number): Evidence {
  return {
    began,
    ...{ kernel: [], failed: [], unitFailures: [], restarts: [], lines: [], groups: [], descriptors: [] },
    ...{ fileSystems: [], hangs: [], tasks: undefined, files: undefined, connections: undefined, ports: undefined },
    ...{ history: undefined, texts: new Map() },
  }
}
