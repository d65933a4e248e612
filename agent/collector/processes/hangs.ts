import { constants } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fewAtATime } from '../host/few-at-a-time.ts'
import type { HostReads } from '../host/host-reads.ts'
import { openOwned } from '../host/owned-file.ts'
import { numberOf, parseStat, statFields } from '../host/process-files.ts'
import { numbered } from '../host/processes.ts'
import { readNow } from '../host/read-now.ts'
import type { HostProcess } from './host-process.ts'
import { circlesOf, type Lock, lockWaited, ownerOf } from './locks.ts'

/** Threads that are looked at, and what of its time the look may take: 60 µs each. */
const THREADS = 8_192
const THREADS_SHARE = 1 / 4
/** A disk is waited for some ms at a time; who has not run in all of these looks, ms apart, waits for something else. */
const LOOKS = 3
const LOOK_MS = 250
/** s of processor time before which nobody is said to spin: programs that start compute. */
const SPUN = 10
/** Share of the time between looks for which a thread must have wanted a processor; a wait for one counts. */
const WANTED = 0.8
/**
 * And the share of what it got that may have been the kernel's: it counts in hundredths of a second, and its own interrupts among them, which take a slow
 * machine long. Who calls the kernel without a rest has it for half of the time and more.
 */
const IN_KERNEL = 0.25

/** A thread that gets nowhere. */
export type HungThread = { readonly process: HostProcess; readonly tid: number } & (
  | { readonly kind: 'blocked'; readonly wchan: string | undefined }
  | { readonly kind: 'deadlock'; readonly waits: readonly { readonly tid: number; readonly holder: number }[] }
  | { readonly kind: 'spinning'; readonly seconds: number }
)

export interface HangsFound {
  readonly hangs: readonly HungThread[]
  /** Processes whose threads were not all looked at. */
  readonly unlooked: number
}

/** A thread that may hang, and what tells whether it has moved since. */
interface Suspect {
  readonly process: HostProcess
  readonly tid: number
  readonly state: string
  /** What it waits for, where that is a lock or a sign of another thread. */
  readonly lock?: Lock
  readonly before: Sample
}

/** How often a thread has been run, and what it has used, by its own counters. */
interface Sample {
  readonly at: number
  readonly runs: string | undefined
  /** s */
  readonly wanted: number
  readonly utime: number
  readonly stime: number
  /** What changes with each thing that it asks of the kernel. */
  readonly asked: string | undefined
}

/**
 * The threads of these processes that get nowhere: in uninterruptible sleep, waiting for each other, or spinning. By reading files of /proc, and of who waits
 * for a lock the word that names its owner. Waits only where somebody is suspected.
 */
export async function findHangs(reads: HostReads, processes: readonly HostProcess[], ms: number): Promise<HangsFound> {
  const until = performance.now() + ms * THREADS_SHARE
  let left = THREADS
  let unlooked = 0
  let suspects: Suspect[] = []
  await fewAtATime(processes, async (process) => {
    left -= process.threads
    if (process.threads > 1 && (left < 0 || performance.now() > until)) unlooked++
    else suspects.push(...(await suspectsOf(reads, process)))
  })
  for (let look = 1; look < LOOKS && suspects.length > 0 && !reads.signal.aborted; look++) {
    await sleep(LOOK_MS, undefined, { signal: reads.signal }).catch(() => {})
    suspects = suspects.filter((suspect) => isWhereItWas(reads, suspect))
  }
  const hangs = suspects.flatMap((suspect): readonly HungThread[] => {
    const { process, tid, state } = suspect
    if (state === 'D') return [{ kind: 'blocked', process, tid, wchan: wchanOf(reads, process.pid, tid) }]
    return state === 'R' ? spinningOf(reads, suspect) : []
  })
  return { hangs: [...hangs, ...deadlocksOf(suspects)], unlooked }
}

async function suspectsOf(reads: HostReads, process: HostProcess): Promise<readonly Suspect[]> {
  const { pid, threads } = process
  // Of one thread its state is known.
  if (threads <= 1 && process.state !== 'D' && process.state !== 'R' && !waitsForFutex(reads, pid, pid)) return []
  const tids = threads <= 1 ? [pid] : numbered(await reads.names(`proc/${pid}/task`, { optional: true }))
  const suspects: Suspect[] = []
  const waiting: number[] = []
  for (const tid of tids) {
    const stat = parseStat(readNow(reads.root, `proc/${pid}/task/${tid}/stat`) ?? '', 1)
    if (stat === undefined) continue
    const { state, utime, stime, nice } = stat
    const isSpinning = state === 'R' && utime + stime >= SPUN && nice <= 0
    if (state === 'D' || isSpinning)
      suspects.push({ process, tid, state, before: sampleOf(reads, pid, tid, isSpinning) })
    if (state === 'S' && waitsForFutex(reads, pid, tid)) waiting.push(tid)
  }
  if (waiting.length === 0) return suspects
  return [...suspects, ...(await suspectedLocks(reads, process, waiting, tids.length))]
}

/** Those of the waiting threads that nobody can wake any more: in a circle of locks, or all there are of their process. */
async function suspectedLocks(
  reads: HostReads,
  process: HostProcess,
  waiting: readonly number[],
  threads: number,
): Promise<readonly Suspect[]> {
  const { pid } = process
  const locks = new Map<number, Lock>()
  for (const tid of waiting) {
    const text = await reads.text(`proc/${pid}/task/${tid}/syscall`, { once: true, optional: true })
    const lock = lockWaited(text ?? '')
    if (lock !== undefined) locks.set(tid, lock)
  }
  // In a container, threads are known to each other by other numbers than to the host.
  const byInner = new Map([...locks.keys()].map((tid) => [innerIdOf(reads, pid, tid), tid]))
  const owned = new Map<number, Lock>()
  for (const [tid, lock] of locks)
    owned.set(tid, { ...lock, owner: byInner.get((await ownerIn(reads, pid, lock)) ?? 0) })
  const circles = circlesOf(owned).flat()
  const isAll = locks.size === threads && threads > 1 && [...locks.values()].some(({ isPrivate }) => isPrivate)
  const hung = circles.length > 0 ? circles : isAll ? [...locks.keys()] : []
  return hung.flatMap((tid) => {
    const lock = owned.get(tid)
    return lock === undefined ? [] : [{ process, tid, state: 'S', lock, before: sampleOf(reads, pid, tid, false) }]
  })
}

async function ownerIn(reads: HostReads, pid: number, lock: Lock): Promise<number | undefined> {
  if (lock.owner !== undefined || !lock.isMutex) return lock.owner
  try {
    using memory = await openOwned(`${reads.root}/proc/${pid}/mem`, constants.O_RDONLY, reads.signal)
    return ownerOf(lock, await memory.bytesAt(lock.address, 12, reads.signal))
  } catch {
    return undefined
  }
}

/** What a thread is called in the innermost namespace of ids that it is in: `NSpid` of proc_pid_status(5). */
function innerIdOf(reads: HostReads, pid: number, tid: number): number {
  const ids = /^NSpid:(?:\s+\d+)*\s+(\d+)$/m.exec(readNow(reads.root, `proc/${pid}/task/${tid}/status`) ?? '')?.[1]
  return ids === undefined ? tid : Number(ids)
}

function deadlocksOf(suspects: readonly Suspect[]): readonly HungThread[] {
  const locked = suspects.filter(({ lock }) => lock !== undefined)
  return [...Map.groupBy(locked, ({ process }) => process)].flatMap(([process, threads]): readonly HungThread[] => {
    const locks = new Map(threads.flatMap(({ tid, lock }) => (lock === undefined ? [] : [[tid, lock] as const])))
    const circles = circlesOf(locks)
    if (circles.length > 0)
      return circles.map((circle) => {
        const waits = circle.map((tid) => ({ tid, holder: locks.get(tid)?.owner ?? tid }))
        return { kind: 'deadlock', process, tid: circle[0] ?? process.pid, waits }
      })
    return threads.length < process.threads ? [] : [{ kind: 'deadlock', process, tid: process.pid, waits: [] }]
  })
}

function spinningOf(reads: HostReads, { process, tid, before }: Suspect): readonly HungThread[] {
  const now = sampleOf(reads, process.pid, tid, true)
  const seconds = (now.at - before.at) / 1000
  const used = now.utime + now.stime - before.utime - before.stime
  const isQuiet = now.asked !== undefined && now.asked === before.asked && now.stime - before.stime <= used * IN_KERNEL
  if (!isQuiet || now.wanted - before.wanted < seconds * WANTED) return []
  return [{ kind: 'spinning', process, tid, seconds: now.utime + now.stime }]
}

function isWhereItWas(reads: HostReads, { process: { pid }, tid, state, before }: Suspect): boolean {
  const now = parseStat(readNow(reads.root, `proc/${pid}/task/${tid}/stat`) ?? '', 1)
  if (now?.state !== state) return false
  return state === 'R' || runsOf(reads, pid, tid) === before.runs
}

function sampleOf(reads: HostReads, pid: number, tid: number, isSpinning: boolean): Sample {
  const path = `proc/${pid}/task/${tid}`
  const fields = statFields(readNow(reads.root, `${path}/stat`) ?? '')
  const { utime = 0, stime = 0 } = parseStat(readNow(reads.root, `${path}/stat`) ?? '', 1) ?? {}
  const schedule = readNow(reads.root, `${path}/schedstat`)?.trim().split(' ').map(Number)
  const [ran = Number.NaN, waited = Number.NaN] = schedule ?? []
  const wanted = Number.isFinite(ran + waited) ? (ran + waited) / 1e9 : utime + stime
  // Faults of pages, small and large: fields 10 and 12 of proc_pid_stat(5).
  const faults = [fields?.field(10), fields?.field(12)].join(' ')
  const asked = isSpinning ? askedOf(reads, path, `proc/${pid}/io`) : undefined
  return {
    ...{ at: performance.now(), runs: runsOf(reads, pid, tid), wanted, utime, stime },
    asked: asked === undefined ? undefined : `${asked} ${faults}`,
  }
}

/** Waits of its own will, and calls that read or write of all its process; undefined where that may not be read. */
function askedOf(reads: HostReads, path: string, process: string): string | undefined {
  const waits = numberOf(readNow(reads.root, `${path}/status`), 'voluntary_ctxt_switches')
  const io = readNow(reads.root, process)
  const [reading, writing] = ['syscr', 'syscw'].map((name) => numberOf(io, name))
  return waits === undefined || reading === undefined || writing === undefined
    ? undefined
    : `${waits} ${reading} ${writing}`
}

/** How often it has been run: the third number of schedstat (Documentation/scheduler/sched-stats.rst); undefined where the kernel does not count. */
const runsOf = (reads: HostReads, pid: number, tid: number) =>
  readNow(reads.root, `proc/${pid}/task/${tid}/schedstat`)?.trim().split(' ')[2]

function wchanOf(reads: HostReads, pid: number, tid: number): string | undefined {
  const wchan = readNow(reads.root, `proc/${pid}/task/${tid}/wchan`)?.trim()
  return wchan === undefined || wchan === '' || wchan === '0' ? undefined : wchan
}

const waitsForFutex = (reads: HostReads, pid: number, tid: number) => /futex/.test(wchanOf(reads, pid, tid) ?? '')
