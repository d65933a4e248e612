import type { Finding } from '../bundle/schema.ts'

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
