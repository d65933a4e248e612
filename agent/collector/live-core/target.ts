/** A process to be looked at. Its start time tells it from a later one with the same pid. */
export interface Target {
  readonly pid: number
  /** `starttime` of proc_pid_stat(5), in clock ticks since boot: a recycled pid is never touched. */
  readonly start: number
  /** Where the host's file system starts; /proc below it is that of the host. */
  readonly root: string
}

export interface Limits {
  /** ms that a process stands still at most, from the first interrupt to the last detach. */
  readonly freezeMs: number
  /** Threads that are stopped and read at most; the others run on. */
  readonly threads: number
}

/** How long a process stands still: while registers and stacks are read, or until all of it is read. */
export type Freeze = 'registers' | 'whole'

/** A process of which no core can be taken; the message is a receipt's reason. */
export class Untouchable extends Error {
  override readonly name: string = 'Untouchable'
}

/** A process of a kind of which we write no core, whatever its state: nothing is missing that could have been had. */
export class Unsupported extends Untouchable {
  override readonly name = 'Unsupported'
}

export const THIRTY_TWO_BIT = 'it is a 32-bit program, of which we write no core'
