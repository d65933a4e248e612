import type { Stand } from '../../words/details.ts'
import type { HostProcess } from '../processes/host-process.ts'
import type { NamedFrame, StackEnd } from '../unwind/frame.ts'

/** Threads of one process that stand at the same place. */
export interface SameStack {
  readonly tids: readonly number[]
  /** Innermost first. */
  readonly frames: readonly NamedFrame[]
  readonly end: StackEnd
}

/** What was seen of a thread besides its stack. */
export interface SeenThread {
  readonly tid: number
  readonly comm: string
  /** proc_pid_stat(5) */
  readonly state: string
  /** Kernel function in which it sleeps. */
  readonly wchan?: string
  readonly call?: { readonly name: string }
  /** Kernel stack, innermost first. */
  readonly frames: readonly string[]
}

/** The stacks of one process. */
export interface ProcessTrace {
  readonly process: HostProcess
  readonly freezeMs: number
  readonly stacks: readonly SameStack[]
  /** Threads as they were seen, by tid; those that were seen at all. */
  readonly seen: ReadonlyMap<number, SeenThread>
  readonly stands: ReadonlyMap<number, Stand>
  /** What is missing of it, one sentence each. */
  readonly missed: readonly string[]
}
