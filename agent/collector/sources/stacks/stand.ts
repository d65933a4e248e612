import type { Stand } from '../../../words/details.ts'
import type { Thread } from './thread.ts'

/** Share of the time for which a thread must have wanted a CPU to be spinning; a wait for one is counted when it is over. */
const SPINNING = 0.8
/** The operations of futex(2) that wait, and its flag for what no other process can see: include/uapi/linux/futex.h. */
const FUTEX_WAITS: ReadonlySet<bigint> = new Set([0n, 6n, 9n, 11n, 13n])
const FUTEX_COMMAND = 127n
const FUTEX_PRIVATE = 128n

/**
 * What each thread of one process does, by tid, from two looks. `blocked`: it sleeps uninterruptibly at the same place. `deadlock?`: all
 * threads of its process wait for each other. `spinning`: it runs, and ran or waited for a CPU all the time between. `still`: it
 * waits at the same place, as idle threads do. `moved`: anything else. `unknown`: there is one look only.
 */
export function standsOf(first: readonly Thread[], second: readonly Thread[]): ReadonlyMap<number, Stand> {
  const before = new Map(first.map((thread) => [thread.tid, thread]))
  const stands = new Map(second.map((thread) => [thread.tid, standOf(before.get(thread.tid), thread)]))
  const deadlocked = second.length > 0 && second.every((thread) => stands.get(thread.tid) === 'still')
  if (!deadlocked || !isDeadlock(second)) return stands
  return new Map(second.map(({ tid }) => [tid, 'deadlock?']))
}

function standOf(before: Thread | undefined, now: Thread): Stand {
  if (before === undefined) return 'moved'
  const seconds = (now.at - before.at) / 1000
  const isRunning = before.state === 'R' && now.state === 'R'
  if (isRunning) return now.wanted - before.wanted >= seconds * SPINNING ? 'spinning' : 'moved'
  // A call that was interrupted by a look at the thread goes on as another (restart_syscall) from the same place.
  const isSame = before.state === now.state && before.ip === now.ip && before.sp === now.sp && before.cpu === now.cpu
  if (!isSame) return 'moved'
  if (now.state === 'D') return 'blocked'
  return now.ip === undefined ? 'unknown' : 'still'
}

/**
 * Whether nobody is left to wake anybody: every thread waits for a futex, for ever, and one at least for a lock that only
 * this process knows. An idle program has a thread that waits for the world: in poll, accept, sleep or sigwait.
 */
function isDeadlock(threads: readonly Thread[]): boolean {
  const isForever = ({ call }: Thread) => {
    const [, operation = -1n, , timeout = -1n] = call?.name === 'futex' ? call.args : []
    return FUTEX_WAITS.has(operation & FUTEX_COMMAND) && timeout === 0n
  }
  return threads.every(isForever) && threads.some(waitsForLock)
}

/** Whether a thread waits for a lock that only its process knows; who waits for another thread's end does not. */
function waitsForLock({ call }: Thread): boolean {
  const [, operation = 0n] = call?.name === 'futex' ? call.args : []
  return (operation & FUTEX_PRIVATE) !== 0n
}

const ORDER: readonly Stand[] = ['blocked', 'deadlock?', 'spinning', 'unknown', 'moved', 'still']

/** The thread that matters first. */
export function striking(
  threads: readonly Thread[],
  stands: ReadonlyMap<number, Stand>,
): { readonly thread: Thread; readonly stand: Stand } | undefined {
  const [thread] = threads.toSorted(
    (a, b) => rank(a, stands) - rank(b, stands) || Number(waitsForLock(b)) - Number(waitsForLock(a)) || b.cpu - a.cpu,
  )
  return thread && { thread, stand: stands.get(thread.tid) ?? 'unknown' }
}

function rank(thread: Thread, stands: ReadonlyMap<number, Stand>): number {
  const stand = stands.get(thread.tid) ?? 'unknown'
  if (stand !== 'unknown') return ORDER.indexOf(stand)
  return thread.state === 'D' ? 0.5 : thread.state === 'R' ? 2.5 : ORDER.indexOf(stand)
}

/** Whether a stand is a hang. */
export function isStuck(stand: Stand): boolean {
  return stand === 'blocked' || stand === 'deadlock?' || stand === 'spinning'
}
