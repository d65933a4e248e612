import { fewAtATime } from '../../host/few-at-a-time.ts'
import type { HostReads } from '../../host/host-reads.ts'
import type { HostProcess } from '../../processes/host-process.ts'
import type { StacksRequest } from './request.ts'
import { standsOf } from './stand.ts'
import { machineOf } from './system-calls.ts'
import { readThreads, type Thread } from './thread.ts'
import type { Stood } from './thread-table.ts'

/** ms for one look at all of them, of which this process was run. */
const LOOK_MS = 2_000

/** What one look at the chosen processes has seen. */
export interface Looked {
  /** By pid. */
  readonly threads: ReadonlyMap<number, readonly Thread[]>
  /** How many threads of a process were not looked at, by pid. */
  readonly unlooked: ReadonlyMap<number, number>
}

/** The threads of all chosen processes at this moment, by pid. */
export async function look(
  { chosen, troubled, caps }: StacksRequest,
  reads: HostReads,
  depth: 'whole' | 'to compare',
): Promise<Looked> {
  const until = reads.time.now() + LOOK_MS
  // Whether we may see kernel stacks (that takes CAP_SYS_ADMIN) is the same for all of them.
  // Asked by the reading thread of itself: of one that runs meanwhile, as our main thread may, the kernel gives none.
  const kernelStacks = ((await reads.text('proc/thread-self/stack', { once: true, optional: true })) ?? '') !== ''
  const looked = new Map<number, readonly Thread[]>()
  const unlooked = new Map<number, number>()
  let left = caps.table
  await fewAtATime(soonestGone(chosen, troubled), async ({ pid, threads }) => {
    const most = reads.time.now() > until ? 0 : Math.min(left, caps.tableOfOne)
    left -= Math.min(threads, most)
    if (threads > most) {
      unlooked.set(pid, threads - most)
      reads.ledger.lost(`proc/${pid}/task`, `${threads - most} of ${threads} threads were not looked at`)
    }
    if (most === 0) return
    const machine = machineOf(await reads.bytes(`proc/${pid}/auxv`, { once: true, optional: true, detail: true }))
    looked.set(pid, await readThreads(reads, pid, { most, depth, kernelStacks, machine }))
  })
  return { threads: looked, unlooked }
}

/** Those in trouble first, then those in containers, which nobody holds: kubelet ends pods while we look. Then by memory. */
function soonestGone(
  processes: readonly HostProcess[],
  troubled: ReadonlyMap<number, unknown>,
): readonly HostProcess[] {
  const rank = ({ pid, container }: HostProcess) => (troubled.has(pid) ? 2 : container === undefined ? 0 : 1)
  return processes.toSorted((a, b) => rank(b) - rank(a) || b.memory - a.memory)
}

/** Processes with a blocked thread first, then those that may be gone soonest. */
export function inOrder({ chosen, troubled }: StacksRequest, looked: Looked): readonly Stood[] {
  const stood = soonestGone(chosen, troubled).map((process) => {
    return { process, threads: looked.threads.get(process.pid) ?? [], stands: new Map() }
  })
  const isBlocked = ({ threads }: Stood) => threads.some(({ state }) => state === 'D')
  return stood.toSorted((a, b) => Number(isBlocked(b)) - Number(isBlocked(a)))
}

/** What was seen first, with what the second look tells of each thread; those that have come since are left out. */
export function compared(stood: readonly Stood[], second: Looked): readonly Stood[] {
  return stood.map(({ process, threads }) => {
    const now = second.threads.get(process.pid) ?? []
    const there = new Set(now.map(({ tid }) => tid))
    return { process, threads: threads.filter(({ tid }) => there.has(tid)), stands: standsOf(threads, now) }
  })
}
