import type { System } from '../ffi.ts'
import type { Limits, Target } from './target.ts'

export interface StackCore {
  readonly core: Buffer
  readonly threads: number
  /** ms from the first interrupt to the last detach. */
  readonly freezeMs: number
  /** What could not be had, one sentence each. */
  readonly missed: readonly string[]
}
export async function takeStackCore(
  target: Target,
  limits: Limits,
  system: System,
  signal: AbortSignal,
): Promise<StackCore> {
  throw new Error('soon')
}
