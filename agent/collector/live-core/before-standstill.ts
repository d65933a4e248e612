import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { abandonable, within } from '../../words/deadline.ts'
import { isThirtyTwoBit } from '../host/auxiliary-vector.ts'
import { readMappings } from '../host/mappings.ts'
import type { Machine } from './machine.ts'
import { processPath } from './process-facts.ts'
import { refusal } from './standstill.ts'
import { type Target, THIRTY_TWO_BIT, Unsupported, Untouchable } from './target.ts'
import { blockedAt, stateOf, threadsOf } from './threads.ts'

/** ms that threads in uninterruptible sleep get to wake up by themselves, before any of the others is stopped. */
const WAKE_MS = 20
/** ms for what /proc answers at once, unless somebody holds the process's locks for good. */
const ANSWER_MS = 500
/** execve(2) and execveat(2), on x86-64 and on arm64. */
const EXEC = new Set(process.arch === 'arm64' ? [221, 281] : [59, 322])

/**
 * Threads in uninterruptible sleep, which are left alone. Throws where one of them is in execve: to trace any thread of that process
 * would wait for the lock that it holds, and nothing could break the wait.
 */
export async function sleepersOf(target: Target, machine: Machine, signal: AbortSignal): Promise<Set<number>> {
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
 * Whether its memory can be looked at, and is of a kind that we know, before it is stopped for that: somebody may hold its locks for good. `freezeMs`: as long
 * as it may stand still, for then it may be waited for as well, and ANSWER_MS at least. Throws Untouchable or Unsupported where it cannot.
 */
export async function probe(target: Target, freezeMs: number, signal: AbortSignal): Promise<void> {
  const living = threadsOf(target).find((tid) => !'ZX'.includes(stateOf(target, tid)))
  if (living === undefined) throw refusal(0, 'Z')
  const answerMs = Math.max(ANSWER_MS, freezeMs)
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
