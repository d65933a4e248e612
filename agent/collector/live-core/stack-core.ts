import type { System } from '../host/ffi.ts'
import type { Mapping } from '../host/mappings.ts'
import { isCodeOutsideFiles } from './called-from.ts'
import { layOut } from './elf-core.ts'
import { essentials, type Held } from './essentials.ts'
import { type Moment, momentOf } from './moment.ts'
import { coreNotes } from './notes.ts'
import { named } from './places.ts'
import type { ThreadState } from './registers.ts'
import { mappingAt } from './stacks.ts'
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
  readonly moment: StacksMoment
}

/** What unwinding needs of it, for as long as somebody keeps it. */
export interface StacksMoment {
  readonly threads: readonly ThreadState[]
  readonly mappings: readonly Mapping[]
  /** The stacks, the vdso, and the code that is in no file and that they return to. */
  readonly pieces: readonly { readonly start: number; readonly bytes: Buffer }[]
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
    moment: { threads: moment.threads, mappings: moment.mappings, pieces: piecesOf(held, moment) },
  }
}

function piecesOf(held: readonly Held[], { mappings }: Moment): StacksMoment['pieces'] {
  const isWanted = ({ rank, start }: Held) => {
    const mapping = mappingAt(mappings, start)
    return rank === 0 || (mapping !== undefined && isCodeOutsideFiles(mapping))
  }
  return held.filter(isWanted).flatMap(({ start, content }) => {
    let at = start
    return content.map((bytes) => {
      at += bytes.length
      return { start: at - bytes.length, bytes }
    })
  })
}
