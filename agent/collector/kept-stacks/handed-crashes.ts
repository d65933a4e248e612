import { join } from 'node:path'
import { countOf } from '../../words/count-of.ts'
import type { ItemIdentity } from '../../words/evidence.ts'
import { withinOwn } from '../../words/own-time.ts'
import type { ReadAt } from '../elf/core-layout.ts'
import type { System } from '../host/ffi.ts'
import { deadStacks } from '../live-core/dead-stacks.ts'
import { machineOf } from '../live-core/machine.ts'
import { readCoreProcess } from '../unwind/core-process.ts'
import { heldMemory } from '../unwind/held-memory.ts'
import { Images } from '../unwind/images.ts'
import { Names } from '../unwind/names/names.ts'
import { MappedFiles } from './mapped-files.ts'
import { type UnwoundProcess, unwindProcess, Workshop } from './unwind-process.ts'

/** ms to read the stacks of one, of which we were run: they may be swapped out. */
const READ_MS = 2_000
/** Crashes that are told; more are one crash, over and over. Also of those of which it is told why there is nothing. */
const MOST = 32
/** Threads that are unwound of one crash, the one that crashed first. */
const MOST_THREADS = 2_048

/** A process that crashed while the host went down, by function. */
export interface HandedCrash {
  readonly label: string
  readonly identity: ItemIdentity
  readonly unwound: UnwoundProcess
}

/** Where its core is handed over, and what of that is there: the headers and the notes. */
export interface Handed extends Omit<HandedCrash, 'unwound'> {
  readonly root: string
  readonly system: System
  readonly pid: number
  readonly start: ReadAt
}

/**
 * What one capture knows of crashes whose cores the kernel hands over: from who is handed them to who tells of them. A process waits for who reads its
 * core, so it is unwound then: its memory and the files that it runs are there, deleted ones and those of containers, too.
 */
export class HandedCrashes {
  readonly #untold = new Set<HandedCrash>()
  readonly #lacks = new Map<string, string>()
  #count = 0

  /** Unwinds a process while it waits. What cannot be had is told of. Throws nothing but the signal's reason. */
  async add(handed: Handed, signal: AbortSignal): Promise<void> {
    const { label, identity } = handed
    if (++this.#count > MOST) return
    try {
      this.#untold.add({ label, identity, unwound: await unwoundOf(handed, signal) })
    } catch (error) {
      signal.throwIfAborted()
      this.lack(label, error instanceof Error ? error.message : String(error))
    }
  }

  /** Of which crash there is nothing to tell, and why. */
  lack(label: string, reason: string): void {
    if (this.#lacks.size < MOST) this.#lacks.set(label, reason)
  }

  get lacks(): ReadonlyMap<string, string> {
    return this.#lacks
  }

  /** Those that nobody has told of. */
  get untold(): readonly HandedCrash[] {
    return [...this.#untold]
  }

  told(crash: HandedCrash): void {
    this.#untold.delete(crash)
  }
}

async function unwoundOf({ root, system, pid, start }: Handed, signal: AbortSignal): Promise<UnwoundProcess> {
  const core = await readCoreProcess(start)
  const machine = core && machineOf(core.arch)
  if (core === undefined || machine === undefined) throw new Error('its core is of no kind that is unwound here')
  const threads = core.threads.slice(0, MOST_THREADS)
  if (threads.length === 0) throw new Error('its core tells of no thread')
  using limit = withinOwn(READ_MS, signal)
  const directory = join(root, 'proc', String(pid))
  const { mappings, pieces } = await deadStacks(directory, threads, machine, system, limit.signal)
  const workshop = new Workshop(new Images(), new Names())
  using mapped = new MappedFiles(root, workshop.images)
  const files = await mapped.of(pid, mappings, signal)
  const standing = { ...files, arch: core.arch, threads, memory: heldMemory(pieces), mappings, isAll: true }
  const { stacks, missed } = await unwindProcess(standing, workshop, signal)
  const [left, { unopened }] = [core.threads.length - threads.length, files]
  const lacking = [
    ...(unopened > 0 ? [`${countOf(unopened, 'file')} that it runs cannot be read`] : []),
    ...(left > 0 ? [`${left} more threads were not unwound`] : []),
  ]
  return { stacks, missed: [...missed, ...workshop.names.damaged, ...lacking] }
}
