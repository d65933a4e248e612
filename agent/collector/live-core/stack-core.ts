import type { System } from '../host/ffi.ts'
import { layOut } from './elf-core.ts'
import { essentials, type Held } from './essentials.ts'
import { momentOf } from './moment.ts'
import { coreNotes } from './notes.ts'
import { named } from './places.ts'
import type { Limits, Target } from './target.ts'

/** An ELF core of registers and stacks, and of what a debugger needs to unwind them. */
export interface StackCore {
  readonly core: Buffer
  readonly threads: number
  /** Threads that are not in it because there are more than `limits` allow. */
  readonly beyond: number
  /** ms from the first interrupt to the last detach. */
  readonly freezeMs: number
  /** What could not be had, one sentence each. */
  readonly missed: readonly string[]
}

/**
 * Stops a process for its registers and stacks, lets it go, and makes a core of them: LIVE-CORE.md. Its arguments and its environment
 * read as zeros. Throws Untouchable where there is none to be had, and the signal's reason; the process runs on in any case.
 */
export async function takeStackCore(
  target: Target,
  limits: Limits,
  system: System,
  signal: AbortSignal,
): Promise<StackCore> {
  using moment = await momentOf(target, limits, system, ({ argv, environment }) => [argv, environment], signal)
  moment.standstill.letGo()
  const { vector, missed, stacks } = moment
  const cut = stacks.filter((stack) => stack.cut)
  if (cut.length > 0) missed.push(`${named(cut)}: only the newest part of the stack is here`)
  const held = await essentials(moment, signal)
  const notes = coreNotes({ ...moment, pageSize: vector.pageSize })
  const { head, order } = layOut(moment.machine, vector.pageSize, notes, held)
  return {
    core: Buffer.concat([head, ...(order as Held[]).flatMap(({ content }) => content)]),
    threads: moment.threads.length,
    beyond: moment.standstill.beyond,
    freezeMs: moment.standstill.ms,
    missed,
  }
}
