import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { abandonable } from '../../words/deadline.ts'
import { pageBytes } from '../host/auxiliary-vector.ts'
import type { System } from '../host/ffi.ts'
import { type Mapping, readMappings } from '../host/mappings.ts'
import { keepCalledFrom } from './called-from.ts'
import { keepVdso } from './elf-pages.ts'
import { interruptedStacks } from './interrupted.ts'
import type { Machine } from './machine.ts'
import { Memory } from './memory.ts'
import { Pages } from './pages.ts'
import type { ThreadState } from './registers.ts'
import { usedStacks } from './stacks.ts'

/** The stacks of a process that does nothing any more, the vdso, and the code that is in no file and that they return to. */
export interface DeadStacks {
  readonly mappings: readonly Mapping[]
  readonly pieces: readonly { readonly start: number; readonly bytes: Buffer }[]
}

/**
 * Reads the stacks of a process that has crashed and waits for who reads its core, by the registers that its core tells. Nobody is stopped for it:
 * none of its threads ever runs again. Rejects with what the system says, or with the signal's reason.
 */
export async function deadStacks(
  directory: string,
  threads: readonly Pick<ThreadState, 'tid' | 'registers'>[],
  machine: Machine,
  system: System,
  signal: AbortSignal,
): Promise<DeadStacks> {
  if (system.kind === 'missing') throw new Error(`its memory cannot be read: ${system.reason}`)
  const [auxv, mappings] = await Promise.all([
    abandonable(readFile(join(directory, 'auxv')), signal),
    readMappings(join(directory, 'maps'), signal),
  ])
  const pageSize = pageBytes(auxv)
  using memory = await Memory.open(directory, pageSize, [], system, signal)
  const pages = new Pages(memory)
  const stacks = usedStacks(threads, mappings, machine)
  await pages.keepAll(stacks, signal)
  stacks.push(...(await interruptedStacks(stacks, mappings, machine, pages, signal)))
  await pages.keepAll(stacks, signal)
  await keepCalledFrom(stacks, mappings, pages, signal)
  keepVdso(mappings, pageSize, pages)
  return { mappings, pieces: pages.sorted().map(([start, bytes]) => ({ start, bytes })) }
}
