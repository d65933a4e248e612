import { setImmediate } from 'node:timers/promises'
import { cannot } from '../../words/cannot.ts'
import { type Membership, parseMembership } from '../../words/membership.ts'
import type { Pod } from '../../words/pod.ts'
import { pageBytes } from '../host/auxiliary-vector.ts'
import { fewAtATime } from '../host/few-at-a-time.ts'
import type { HostReads } from '../host/host-reads.ts'
import { numberOf, parseStat, TICKS } from '../host/process-files.ts'
import { numbered } from '../host/processes.ts'
import { isThere, linkNow, readNow } from '../host/read-now.ts'

/** A process that may be a patient: no kernel thread, not one of ours. */
export interface HostProcess extends Membership, Partial<Pod> {
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
  /** Processes that are there and could not be looked at: there was no time, or no answer. */
  readonly unseen: number
  /** Those of which it could not be read in which unit they are: one may be ours, so none of them is touched. */
  readonly unplaced: number
}

/** What of its time a survey tells processes from kernel threads: a file each, 25 µs, so of 4 s some 20,000 of them. */
const STATS_SHARE = 1 / 8
/** And by when it asks no more of them: three files each, 0.1 ms. */
const DETAILS_BY = 1 / 2
/** Processes between turns of the event loop. */
const TURN = 256

/**
 * Every process but kernel threads and lastgasp's own, by pid; the largest are looked at first. Reads no memory and no
 * command line. Of `ms`, the half is for what comes after it.
 */
export async function surveyProcesses(reads: HostReads, ms: number): Promise<ProcessSurvey> {
  const began = performance.now()
  const page = pageBytes(await reads.bytes('proc/self/auxv', { optional: true }))
  const names = await reads.names('proc', { optional: true })
  if (names === undefined && isThere(reads.root, 'proc')) throw cannot('list the processes', reads.ledger.text().trim())
  const pids = numbered(names)
  const stats = await statsOf(reads, pids, page, ms * STATS_SHARE)
  const until = began + ms * DETAILS_BY
  const processes: HostProcess[] = []
  let unseen = stats.unseen
  let unplaced = 0
  await fewAtATime(stats.stats, async ({ pid, stat }) => {
    if (performance.now() > until) unseen++
    else {
      const membership = await readMembership(reads, pid)
      const process = membership && look(reads, pid, stat, membership)
      if (process === undefined) unplaced++
      else if (!isOurs(process)) processes.push(process)
    }
  })
  return { processes: processes.sort((a, b) => a.pid - b.pid), unseen, unplaced }
}

/** What is not known of the host's processes, in a sentence; undefined where all could be looked at. */
export function lackOf({ processes, unseen, unplaced }: ProcessSurvey): string | undefined {
  const all = processes.length + unseen + unplaced
  const lacks = [
    ...(unseen > 0 ? [`${unseen} of ${all} processes could not be looked at in time`] : []),
    ...(unplaced > 0 ? [`of ${unplaced} of ${all} processes it could not be read in which unit they are`] : []),
  ]
  return lacks.length === 0 ? undefined : lacks.join('; ')
}

type Stat = NonNullable<ReturnType<typeof parseStat>>

/** What `stat` says of each process but kernel threads, those with most memory first. */
async function statsOf(reads: HostReads, pids: readonly number[], page: number, ms: number) {
  const until = performance.now() + ms
  const stats: { readonly pid: number; readonly stat: Stat }[] = []
  let unseen = 0
  for (const [index, pid] of pids.entries()) {
    if (index % TURN === TURN - 1) await setImmediate()
    if (performance.now() > until) {
      unseen++
      continue
    }
    const stat = parseStat(readNow(reads.root, `proc/${pid}/stat`) ?? '', page)
    // It has ended, or there is no descriptor left to read it with: that is not the same.
    if (stat === undefined && isThere(reads.root, `proc/${pid}/stat`)) unseen++
    if (stat !== undefined && !stat.kernelThread) stats.push({ pid, stat })
  }
  return { stats: stats.sort((a, b) => b.stat.rss - a.stat.rss), unseen }
}

/** Undefined where the kernel does not say: the file takes a lock of all cgroups, which somebody may hold for good. */
async function readMembership(reads: HostReads, pid: number): Promise<Membership | undefined> {
  const group = await reads.bytes(`proc/${pid}/cgroup`, { once: true, optional: true })
  // Without cgroups the file is empty, or not there at all.
  const text = group?.toString('latin1') ?? (isThere(reads.root, `proc/${pid}/cgroup`) ? undefined : '')
  return text === undefined ? undefined : (parseMembership(text) ?? { cgroup: '/' })
}

function look(reads: HostReads, pid: number, stat: Stat, membership: Membership): HostProcess {
  const path = `proc/${pid}`
  const status = readNow(reads.root, `${path}/status`)
  const exe = linkNow(reads.root, `${path}/exe`)
  const { comm, state, threads, start, rss } = stat
  const kinds = ['RssAnon', 'RssShmem', 'VmSwap'].map((name) => numberOf(status, name) ?? 0)
  const own = kinds.reduce((sum, bytes) => sum + bytes, 0)
  const memory = rss + (numberOf(status, 'VmSwap') ?? 0)
  const process = { ...membership, pid, comm, state, threads, start: Math.round(start * TICKS), memory, own }
  return exe === undefined ? process : { ...process, exe }
}

/** What waits for us to let applications go, and what switches core_pattern; outside the slice, as they have no reserve of memory. */
const OUTSIDE: ReadonlySet<string | undefined> = new Set(['lastgasp-hold.service', 'lastgasp-cores.service'])

/**
 * Ours are never touched: this process, what started it by hand (it has the store's credentials), the slice of both, and
 * our units outside of it.
 */
function isOurs({ pid, cgroup, unit }: HostProcess): boolean {
  const started = process.ppid === 1 ? process.pid : process.ppid
  return pid === process.pid || pid === started || OUTSIDE.has(unit) || cgroup.split('/').includes('lastgasp.slice')
}

/** When it was started, in ms since the epoch, by when the host was (0: not known). */
export function startedAt({ start }: Pick<HostProcess, 'start'>, booted: number): number | undefined {
  return booted > 0 ? booted + (start * 1000) / TICKS : undefined
}

/** Whether it has ended and nobody has asked for it: it has no memory any more. */
export function isDead({ state }: HostProcess): boolean {
  return state === 'Z' || state === 'X'
}
