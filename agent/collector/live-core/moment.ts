import { readFile } from 'node:fs/promises'
import { abandonable } from '../../words/deadline.ts'
import { type AuxiliaryVector, parseAuxiliaryVector } from '../host/auxiliary-vector.ts'
import type { System, SystemCalls } from '../host/ffi.ts'
import { type Mapping, type Range, readMappings } from '../host/mappings.ts'
import { probe, sleepersOf } from './before-standstill.ts'
import { globals } from './globals.ts'
import { interruptedStacks } from './interrupted.ts'
import { type Machine, machineOf } from './machine.ts'
import { closeMemory, Memory, openMemory } from './memory.ts'
import { Pages } from './pages.ts'
import { placesOf, withoutStack } from './places.ts'
import { type ProcessFacts, processPath, readFacts } from './process-facts.ts'
import { readThreads, type ThreadState } from './registers.ts'
import { type UsedStack, usedStacks } from './stacks.ts'
import { refusal, type Standstill, standStill } from './standstill.ts'
import { type Limits, type Target, Untouchable } from './target.ts'

/** What is true of a process at one instant, read while it stands still. It does so until `standstill` lets it go. */
export interface Moment extends Disposable {
  readonly standstill: Standstill
  readonly machine: Machine
  readonly facts: ProcessFacts
  readonly auxv: Buffer
  readonly vector: AuxiliaryVector
  readonly mappings: readonly Mapping[]
  readonly threads: readonly ThreadState[]
  readonly stacks: readonly UsedStack[]
  /** /proc/PID/task/TID of a thread that has the process's memory. */
  readonly directory: string
  readonly memory: Memory
  /** The used pages of the stacks and the executable's variables, where it stood still long enough for them. */
  readonly pages: Pages
  /** What could not be had, one sentence each. */
  readonly missed: string[]
}

/** Stops a process and reads what must be of one instant. `hide`: memory that is never read out. Throws Untouchable. */
export async function momentOf(
  target: Target,
  limits: Limits,
  system: System,
  hide: (facts: ProcessFacts) => readonly Range[],
  signal: AbortSignal,
): Promise<Moment> {
  if (system.kind === 'missing') throw new Untouchable(`it cannot be traced: ${system.reason}`)
  const machine = machineOf(process.arch)
  if (machine === undefined) throw new Untouchable(`registers of this architecture (${process.arch}) are not known`)
  const { tracer, state } = await readFacts(target, signal)
  if (tracer !== 0) throw refusal(tracer, state)
  const sleepers = await sleepersOf(target, machine, signal)
  await probe(target, limits.freezeMs, signal)
  const standstill = await standStill(target, sleepers, limits, system, signal)
  try {
    return await look(target, standstill, machine, system, hide)
  } catch (error) {
    standstill.letGo()
    signal.throwIfAborted()
    if (standstill.over.aborted && error === standstill.over.reason) {
      throw new Untouchable(`what its registers mean could not be read within ${limits.freezeMs} ms`)
    }
    throw error
  }
}

async function look(
  target: Target,
  standstill: Standstill,
  machine: Machine,
  system: SystemCalls,
  hide: (facts: ProcessFacts) => readonly Range[],
): Promise<Moment> {
  const { over } = standstill
  const missed: string[] = []
  const threads = readThreads(standstill.stopped, machine, system)
  threads.push(...(await placesOf(target, standstill, machine, missed)))
  const living = threads[0]?.tid
  if (living === undefined) {
    const { tracer, state } = await readFacts(target, over)
    throw refusal(tracer, state)
  }
  const directory = processPath(target, 'task', String(living))
  using owned = new DisposableStack()
  const opening = openMemory(directory, over)
  owned.defer(() => void opening.then(closeMemory, () => {}))
  // All at once: it stands still for each way to the thread pool and back.
  const [facts, auxv, mappings, files] = await Promise.all([
    readFacts(target, over),
    abandonable(readFile(`${directory}/auxv`), over),
    readMappings(`${directory}/maps`, over),
    opening,
  ])
  const vector = parseAuxiliaryVector(auxv)
  if (vector === undefined) throw new Untouchable('it has no memory: it is about to end')
  threads.sort((a, b) => Number(b.tid === target.pid) - Number(a.tid === target.pid) || a.tid - b.tid)
  const stacks = usedStacks(threads, mappings, machine)
  const memory = new Memory(files, vector.pageSize, hide(facts), system)
  const pages = new Pages(memory)
  memory.still = standstill.astir.size === 0 && standstill.beyond === 0
  over.addEventListener('abort', () => (memory.still = false), { once: true })
  try {
    await pages.keepAll([...stacks, ...globals(mappings, vector)], over)
    const interrupted = await interruptedStacks(stacks, mappings, machine, pages, over)
    stacks.push(...interrupted)
    await pages.keepAll(interrupted, over)
  } catch {
    missed.push('not all stacks were read: the process had stood still long enough')
  }
  missed.push(...withoutStack(threads, stacks))
  owned.move()
  return {
    ...{ standstill, machine, facts, auxv, vector, mappings, threads, stacks, directory, memory, pages, missed },
    [Symbol.dispose]() {
      standstill.letGo()
      memory[Symbol.dispose]()
    },
  }
}
