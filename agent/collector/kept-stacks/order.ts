import type { Stand } from '../../words/details.ts'
import type { ProcessTrace, SameStack } from './process-trace.ts'

/** What matters to whoever asks why it died: who hangs, then who did not move, then all others. */
const STANDS: readonly Stand[] = ['blocked', 'deadlock?', 'spinning', 'still', 'moved', 'unknown']

type Seen = Pick<ProcessTrace, 'seen' | 'stands'>

/** What is known of a thread; of one that was looked at once, whether it was blocked then. */
export function standOf(tid: number, { seen, stands }: Seen): Stand {
  return stands.get(tid) ?? (seen.get(tid)?.state === 'D' ? 'blocked' : 'unknown')
}

/** The stand of threads with one stack that matters most. */
export function standOfStack({ tids }: SameStack, of: Seen): Stand {
  return STANDS[Math.min(...tids.map((tid) => STANDS.indexOf(standOf(tid, of))))] ?? 'unknown'
}

/** The stacks of a process, those that matter first; of these, those of more threads. */
export function inOrder(trace: ProcessTrace): readonly SameStack[] {
  const rank = (stack: SameStack) => STANDS.indexOf(standOfStack(stack, trace))
  return trace.stacks.toSorted((a, b) => rank(a) - rank(b) || b.tids.length - a.tids.length)
}

/** Where a process comes among others, by what is known of its threads: lower first. */
export function rankOf(of: Seen): number {
  const tids = new Set([...of.seen.keys(), ...of.stands.keys()])
  return Math.min(STANDS.length, ...[...tids].map((tid) => STANDS.indexOf(standOf(tid, of))))
}
