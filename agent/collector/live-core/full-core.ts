import type { System } from '../ffi.ts'
import type { Reading } from '../source.ts'
import type { Limits, Target } from './target.ts'

/** How long a process stands still: while registers and stacks are read, or until all of it is read. */
export type Freeze = 'registers' | 'whole'
export async function openFullCore(
  _target: Target,
  _freeze: Freeze,
  _limits: Limits,
  _system: System,
  _signal: AbortSignal,
): Promise<Reading> {
  throw new Error('soon')
}
