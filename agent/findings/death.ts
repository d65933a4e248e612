import type { Finding } from '../bundle/schema.ts'
import type { Evidence } from './evidence.ts'
import type { Rule } from './rule.ts'

/** Who tells of a death. `coredump`: systemd-coredump when it has dealt with a core, `dumping`: when it was given one; `core`: a file that looks like a core. */
export type Witness = 'coredump' | 'dumping' | 'kernel' | 'systemd' | 'cgroup' | 'core'

/** A process that died and should not have, as one witness tells it. */
export interface Death {
  readonly kind: 'crash' | 'oom'
  readonly witness: Witness
  readonly boot: Finding['boot']
  /** Nobody but a user of the host says so. */
  readonly claimed?: boolean
  readonly subject: Finding['subject']
  /** The thread that the kernel names where it may be another one than the process's first. */
  readonly tid?: number
  readonly signal?: number
  /** Of `oom`, who killed: the kernel when the whole host had no memory left, or when a group had reached its limit; or systemd-oomd. */
  readonly scope?: 'host' | 'group' | 'oomd'
  /** ms since the epoch */
  readonly at?: number
  /** Processes, where the witness has counted them only. */
  readonly count?: number
  readonly evidence: Finding['evidence']
}

/** A death of the kernel itself. */
export interface Panic {
  /** Why, in our own words, to be appended to "the kernel panicked". */
  readonly cause?: string
  /** Who was running where it happened. */
  readonly subject: Finding['subject']
  /** ms since the epoch */
  readonly at?: number
  readonly evidence: Finding['evidence']
}

/**
 * How the boot ended that is looked at, where that is over: `ordered`, and captured; `unseen`: in order, and not captured; `cut`: nobody
 * has closed its journal; `unknown`: there is none, and it was not captured.
 */
export type End = 'ordered' | 'unseen' | 'cut' | 'unknown'

/** What was looked at for deaths, and what it told. */
export interface Seen {
  readonly deaths: readonly Death[]
  /** The newest first. */
  readonly panics?: readonly Panic[]
  /** Undefined for the boot that the host is in. */
  readonly end?: End
  /** Processes killed for want of memory since this boot, as the kernel counts them. */
  readonly kills: number | undefined
  /** When the capture began, in ms since the epoch: what died later died while the host went down. */
  readonly began: number
  /** What could not be looked at. */
  readonly unseen: readonly Unseen[]
  /** What the rules look at; undefined for a boot that is over. */
  readonly evidence?: Evidence
  /** The rules of the image's builder, besides our own. */
  readonly more?: readonly Rule[]
}

/** All that must have been looked at before anybody may say that nothing had gone wrong. */
export type Place =
  | 'systemd'
  | 'the processes'
  | 'the file systems'
  | 'the limits'
  | 'the kernel’s log'
  | 'the journal'
  | 'the counts of kills'
  | 'the directories of cores'
  | 'what the kernel left'

export interface Unseen {
  readonly place: Place
  /** Why, in our own words. */
  readonly why: string
}
