import type { Machine } from './machine.ts'
import { SIGINFO_BYTES, type ThreadState } from './registers.ts'
import type { UsedStack } from './stacks.ts'
import type { Standstill } from './standstill.ts'
import type { Target } from './target.ts'
import { blockedAt, stateOf } from './threads.ts'

/** The places of threads that are not stopped but sleep, as far as the kernel tells; what it does not goes into `missed`. */
export async function placesOf(
  target: Target,
  { astir, beyond, over }: Standstill,
  machine: Machine,
  missed: string[],
): Promise<ThreadState[]> {
  const places: ThreadState[] = []
  for (const [tid, why] of astir) {
    const blocked = stateOf(target, tid) === 'D' ? await blockedAt(target, tid, machine, over) : undefined
    if (blocked === undefined) {
      missed.push(`thread ${tid} ${why}: nothing is known of it`)
    } else {
      missed.push(`thread ${tid} ${why}: of its registers only program counter, stack pointer and arguments are known`)
      places.push({ tid, signal: 0, info: Buffer.alloc(SIGINFO_BYTES), registers: blocked.registers, sets: [] })
    }
  }
  if (beyond > 0) missed.push(`${beyond} more threads were not looked at`)
  return places
}

/** What is to be said of threads that have none of the stacks. */
export function withoutStack(threads: readonly ThreadState[], stacks: readonly UsedStack[]): string[] {
  const known = new Set(stacks.map(({ tid }) => tid))
  const lost = threads.filter(({ tid }) => !known.has(tid))
  return lost.length > 0 ? [`${named(lost)}: the stack pointer points to no stack`] : []
}

/** Threads in a sentence. */
export function named(threads: readonly { readonly tid: number }[]): string {
  const some = threads.slice(0, 8).map(({ tid }) => tid)
  const more = threads.length > 8 ? ` and ${threads.length - 8} more` : ''
  return `thread${threads.length > 1 ? 's' : ''} ${some.join(', ')}${more}`
}
