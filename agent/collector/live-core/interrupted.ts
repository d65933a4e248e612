import type { Mapping } from '../host/mappings.ts'
import type { Machine } from './machine.ts'
import type { Pages } from './pages.ts'
import { stackAt, type UsedStack } from './stacks.ts'

/** Of each stack that is looked through: what is on an alternate signal stack lies near its end, which is 8 to 64 KiB away. */
const LOOKED = 64 * 1024
/** Handlers that interrupted one another on one thread: each has a stack of its own. */
const MOST = 4

/**
 * The stacks that threads left for a signal handler that runs on a stack of its own (sigaltstack(2)): what the kernel saved for it tells the
 * stack pointer of what was interrupted. All `stacks` are in `pages`.
 */
export async function interruptedStacks(
  stacks: readonly UsedStack[],
  mappings: readonly Mapping[],
  machine: Machine,
  pages: Pages,
  signal: AbortSignal,
): Promise<UsedStack[]> {
  const found: UsedStack[] = []
  for (const { tid, start, end } of stacks) {
    const bytes = await pages.read(start, Math.min(LOOKED, end - start), signal)
    let at = bytes.indexOf(machine.context.mark)
    for (let count = 0; at >= 0 && count < MOST; count += 1) {
      const from = at + machine.context.sp
      const pointer = from >= 0 ? Number(bytes.readBigUInt64LE(from)) : 0
      const isKnown = [...stacks, ...found].some((stack) => pointer >= stack.start && pointer < stack.end)
      const stack = isKnown ? undefined : stackAt(tid, pointer, stacks.length, mappings, machine)
      if (stack !== undefined) found.push(stack)
      at = bytes.indexOf(machine.context.mark, at + 1)
    }
  }
  return found
}
