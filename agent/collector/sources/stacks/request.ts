import type { System } from '../../host/ffi.ts'
import type { KeptStacks } from '../../kept-stacks/kept-stacks.ts'
import type { Preflight } from '../../live-core/preflight.ts'
import type { Limits } from '../../live-core/target.ts'
import type { CoreRow } from '../../processes/core-table.ts'
import type { HostProcess } from '../../processes/host-process.ts'
import type { Patients } from '../../processes/patients.ts'
import type { Stood } from './thread-table.ts'

/** Of which processes the stacks are to be read, and how. */
export interface StacksRequest {
  readonly root: string
  readonly system: System
  readonly patients: Patients
  readonly chosen: readonly HostProcess[]
  readonly troubled: ReadonlyMap<number, unknown>
  readonly preflight: Preflight
  /** ms from the first look at the threads to the second; 0: there is none. */
  readonly interval: number
  readonly limit: number
  readonly caps: Caps
  /** Whether the cores are given: class `memory` may leave the host. */
  readonly gives: boolean
  /** Keeps the stacks for the traces, where those are wished. */
  readonly kept: KeptStacks | undefined
}

/** How many threads are taken, whatever there are. */
export interface Caps {
  /** In a core of one process, and ms for which it stands still. */
  readonly core: Limits
  /** In the table, of all processes and of one: 0.15 ms each. */
  readonly table: number
  readonly tableOfOne: number
}

/** A process of 64 threads stands still for some ms, on a host that has no CPU left for a hundred times that; who needs more will not stop. */
export const CAPS: Caps = { core: { freezeMs: 1_000, threads: 2_048 }, table: 8_192, tableOfOne: 1_024 }
/** What was seen of the chosen processes so far. */
export interface Seen {
  readonly rows: CoreRow[]
  /** Processes that ended before their core was taken. */
  readonly gone: Set<number>
  /** How many threads of a process the table leaves out, by pid. */
  unlooked: ReadonlyMap<number, number>
  stood: readonly Stood[]
  looks: number
}
