import { readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fewAtATime } from '../sources/facts/few-at-a-time.ts'
import type { HostReads } from '../sources/facts/host-reads.ts'
import { numberOf, pageBytes, parseStat } from '../sources/facts/process-files.ts'
import { numbered } from '../sources/facts/processes.ts'
import { type Membership, parseMembership } from './cgroup.ts'

/** A process that may be a patient: no kernel thread, not one of ours. */
export interface HostProcess extends Membership {
  readonly pid: number
  readonly comm: string
  /** Of its first thread: proc_pid_stat(5). */
  readonly state: string
  readonly threads: number
  /** Clock ticks after boot: with the pid, this process and no later one. */
  readonly start: number
  /** Bytes in memory or swapped out. */
  readonly memory: number
  /** Of these, what is its own rather than of files: what a core of it holds, about. */
  readonly own: number
  readonly exe?: string
}

/** The processes of a host at one moment. */
export interface ProcessSurvey {
  readonly processes: readonly HostProcess[]
  /** Processes that there was no time to look at. */
  readonly unseen: number
}

/** ms for all of them: four files each, 0.1 ms, so 15,000 processes. The inventory has 4 s. */
const SURVEY_MS = 1_500
/** Clock ticks a second in /proc (USER_HZ), to which `parseStat` turns them. */
const TICKS = 100

/** Every process but kernel threads and lastgasp's own. Reads no memory and no command line. */
export async function surveyProcesses(reads: HostReads): Promise<ProcessSurvey> {
  const until = performance.now() + SURVEY_MS
  const page = pageBytes(await reads.bytes('proc/self/auxv', { optional: true }))
  const pids = numbered(await reads.names('proc'))
  const seen = new Map<number, HostProcess>()
  let unseen = 0
  await fewAtATime(pids, async (pid) => {
    if (performance.now() > until) unseen++
    else {
      const process = await look(reads, pid, page)
      if (process !== undefined && !isOurs(process)) seen.set(pid, process)
    }
  })
  return { processes: pids.flatMap((pid) => seen.get(pid) ?? []), unseen }
}

/** The process of this pid; undefined for a kernel thread and for one that is gone. */
async function look(reads: HostReads, pid: number, page: number): Promise<HostProcess | undefined> {
  const path = `proc/${pid}`
  const stat = parseStat(readNow(reads, `${path}/stat`) ?? '', page)
  if (stat === undefined || stat.kernelThread) return undefined
  const status = readNow(reads, `${path}/status`)
  // Takes a lock of all cgroups, which somebody may hold for good.
  const group = await reads.text(`${path}/cgroup`, { once: true, optional: true })
  const membership = parseMembership(group ?? '') ?? { cgroup: '/' }
  const exe = linkNow(reads, `${path}/exe`)
  const { comm, state, threads, start, rss } = stat
  const kinds = ['RssAnon', 'RssShmem', 'VmSwap'].map((name) => numberOf(status, name) ?? 0)
  const own = kinds.reduce((sum, bytes) => sum + bytes, 0)
  const memory = rss + (numberOf(status, 'VmSwap') ?? 0)
  const process = { ...membership, pid, comm, state, threads, start: Math.round(start * TICKS), memory, own }
  return exe === undefined ? process : { ...process, exe }
}

/** Waits for us to let applications go; outside the slice, as it has no reserve of memory. */
const HOLD = 'lastgasp-hold.service'

/**
 * A file of /proc at once, undefined where it is not to be had. Only for those that the kernel gives without waiting for anybody's lock,
 * as `stat`, `status` and `exe` (fs/proc/base.c, array.c): a tenth of what a read by the pool costs, which on a host
 * without an idle CPU is the difference between all processes and some.
 */
export function readNow({ root }: HostReads, path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8')
  } catch {
    return undefined
  }
}

function linkNow({ root }: HostReads, path: string): string | undefined {
  try {
    return readlinkSync(join(root, path))
  } catch {
    return undefined
  }
}

/** Ours are never touched: this process, what started it by hand (it has the store's credentials), the slice of both, the hold. */
function isOurs({ pid, cgroup, unit }: HostProcess): boolean {
  const started = process.ppid === 1 ? process.pid : process.ppid
  return pid === process.pid || pid === started || unit === HOLD || cgroup.split('/').includes('lastgasp.slice')
}

/** Whether it has ended and nobody has asked for it: it has no memory any more. */
export function isDead({ state }: HostProcess): boolean {
  return state === 'Z' || state === 'X'
}
