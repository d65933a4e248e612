import type { Mapping, Range } from '../host/mappings.ts'
import type { Machine } from './machine.ts'
import type { ThreadState } from './registers.ts'

/** Stack kept of one thread, at most: a deep recursion is cut, everything usual is whole. */
const MOST = 1024 * 1024
/** And of every thread, however many there are: two pages, some ten frames. */
const LEAST = 8 * 1024
/** All stacks of a process: 16 threads get 1 MiB each, 64 get 256 KiB, 2,048 and more get LEAST. */
const ALL = 16 * 1024 * 1024

/** The used part of a thread's stack that is kept. */
export interface UsedStack extends Range {
  readonly tid: number
  /** Whether the stack goes on further up. */
  readonly cut: boolean
}

/** From below the stack pointer upwards: what has been used and is still in use. Threads whose stack pointer points nowhere are left out. */
export function usedStacks(
  threads: readonly Pick<ThreadState, 'tid' | 'registers'>[],
  mappings: readonly Mapping[],
  machine: Machine,
): UsedStack[] {
  return threads.flatMap(({ tid, registers }) => {
    return stackAt(tid, Number(registers.readBigUInt64LE(machine.sp)), threads.length, mappings, machine) ?? []
  })
}

/** The same of one stack pointer, where there are `threads`; undefined where it points to no stack. */
export function stackAt(
  tid: number,
  pointer: number,
  threads: number,
  mappings: readonly Mapping[],
  machine: Machine,
): UsedStack | undefined {
  const share = Math.min(MOST, Math.max(LEAST, Math.floor(ALL / threads)))
  const mapping = mappingAt(mappings, pointer)
  if (mapping === undefined || !mapping.permissions.startsWith('rw')) return undefined
  const start = Math.max(mapping.start, pointer - machine.redZone)
  const end = Math.min(mapping.end, pointer + share)
  return { tid, start, end, cut: end < mapping.end && isOnlyStack(mapping, mappings) }
}

/** The mapping that holds an address, of mappings in order. */
export function mappingAt(mappings: readonly Mapping[], address: number): Mapping | undefined {
  let [low, high] = [0, mappings.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((mappings[middle] as Mapping).end <= address) low = middle + 1
    else high = middle
  }
  const found = mappings[low]
  return found !== undefined && found.start <= address ? found : undefined
}

/** Whether a mapping holds one stack and nothing else, as those of Go do not: the main thread's, or one with a guard below it. */
function isOnlyStack(mapping: Mapping, mappings: readonly Mapping[]): boolean {
  const below = mappingAt(mappings, mapping.start - 1)
  return mapping.path === '[stack]' || below?.permissions === '---p'
}
