import type { Death, Panic } from './death.ts'
import type { Evidence } from './evidence.ts'
import type { Rule } from './rule.ts'

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
  /** What the rules look at: of a boot that is over, what its journal has. */
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
