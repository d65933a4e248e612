import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { abandonable, within } from '../../words/deadline.ts'
import { type AuxiliaryVector, isThirtyTwoBit, parseAuxiliaryVector } from '../host/auxiliary-vector.ts'
import type { System, SystemCalls } from '../host/ffi.ts'
import { type Mapping, type Range, readMappings } from '../host/mappings.ts'
import { globals } from './globals.ts'
import { type Machine, machineOf } from './machine.ts'
import { closeMemory, Memory, openMemory } from './memory.ts'
import { Pages } from './pages.ts'
import { type ProcessFacts, processPath, readFacts } from './process-facts.ts'
import { readThreads, SIGINFO_BYTES, type ThreadState } from './registers.ts'
import { type UsedStack, usedStacks } from './stacks.ts'
import { refusal, type Standstill, standStill } from './standstill.ts'
import { type Limits, type Target, THIRTY_TWO_BIT, Unsupported, Untouchable } from './target.ts'
import { blockedAt, stateOf, threadsOf } from './threads.ts'

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

/** ms that threads in uninterruptible sleep get to wake up by themselves, before any of the others is stopped. */
const WAKE_MS = 20
/** ms for what /proc answers at once, unless somebody holds the process's locks for good. */
const ANSWER_MS = 500
/** execve(2) and execveat(2), on x86-64 and on arm64. */
const EXEC = new Set(process.arch === 'arm64' ? [221, 281] : [59, 322])

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
  await probe(target, Math.max(ANSWER_MS, limits.freezeMs), signal)
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
  await pages.keepAll([...stacks, ...globals(mappings, vector)], over).catch(() => {
    missed.push('not all stacks were read: the process had stood still long enough')
  })
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

/**
 * Threads in uninterruptible sleep, which are left alone. Throws where one of them is in execve: to trace any thread of that process
 * would wait for the lock that it holds, and nothing could break the wait.
 */
async function sleepersOf(target: Target, machine: Machine, signal: AbortSignal): Promise<Set<number>> {
  const asleep = (tids: Iterable<number>) => new Set([...tids].filter((tid) => stateOf(target, tid) === 'D'))
  let sleepers = asleep(threadsOf(target))
  for (const end = performance.now() + WAKE_MS; sleepers.size > 0 && performance.now() < end; ) {
    await sleep(2, undefined, { signal })
    sleepers = asleep(sleepers)
  }
  for (const tid of sleepers) {
    const blocked = await blockedAt(target, tid, machine, within(ANSWER_MS, signal))
    if (blocked !== undefined && EXEC.has(blocked.call)) throw new Untouchable('it is in the middle of execve')
  }
  return sleepers
}

/**
 * Whether its memory can be looked at, and is of a kind that we know, before it is stopped for that: somebody may hold its locks for good. `answerMs`: as long
 * as it may stand still, for then it may be waited for as well.
 */
async function probe(target: Target, answerMs: number, signal: AbortSignal): Promise<void> {
  const living = threadsOf(target).find((tid) => !'ZX'.includes(stateOf(target, tid)))
  if (living === undefined) throw refusal(0, 'Z')
  const answer = within(answerMs, signal)
  try {
    const directory = processPath(target, 'task', String(living))
    const mappings = await readMappings(`${directory}/maps`, answer)
    const auxv = mappings.length > 0 ? await abandonable(readFile(`${directory}/auxv`), answer) : undefined
    if (auxv !== undefined && isThirtyTwoBit(auxv)) throw new Unsupported(THIRTY_TWO_BIT)
    if (auxv !== undefined) return
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof Unsupported) throw error
    const hung = answer.aborted ? `they do not answer within ${answerMs} ms` : String(error)
    throw new Untouchable(`its mappings cannot be read: ${hung}`)
  }
  throw new Untouchable('it has no memory of its own: a kernel thread, or about to end')
}

/** The places of threads that are not stopped but sleep, as far as the kernel tells. */
async function placesOf(
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

function withoutStack(threads: readonly ThreadState[], stacks: readonly UsedStack[]): string[] {
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
