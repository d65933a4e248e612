import { setTimeout as sleep } from 'node:timers/promises'
import { within } from '../../words/deadline.ts'
import type { Trouble } from '../../words/details.ts'
import { cgroupTree } from '../host/cgroup-tree.ts'
import { fewAtATime } from '../host/few-at-a-time.ts'
import type { HostReads } from '../host/host-reads.ts'
import { numberOf, parseStat } from '../host/process-files.ts'
import { numbered } from '../host/processes.ts'
import { readNow } from '../host/read-now.ts'
import { kernelTestimony } from '../witnesses/kernel-log.ts'
import type { HostProcess } from './host-process.ts'
import { unitStates } from './unit-states.ts'

/** What of its time systemd may take to say which units have failed: 80 ms under emulation, up to 41 s on a host short of memory. */
const STATES_SHARE = 1 / 4
/** Threads whose state is looked at, and what of its time that may take: 45 µs each. */
const THREADS = 8_192
const THREADS_SHARE = 1 / 10
/** A disk is waited for some ms at a time; who is in D in all of these looks, ms apart, waits for something else. */
const LOOKS = 3
const LOOK_MS = 120
/** ms: a unit whose process was killed longer ago has lived on since. */
const LATELY_MS = 10 * 60_000
/** Share of a memory limit beyond which a unit is in trouble: what is counted cannot be reclaimed but by swapping. */
const NEARLY = 0.9

export interface TroubleFound {
  /** Processes in trouble, by pid, and why. */
  readonly troubled: ReadonlyMap<number, Trouble>
  /** What was not learnt, so that there may be more of them: a sentence each. */
  readonly unlearnt: readonly string[]
}

/**
 * The processes in trouble and why: those whose unit has failed or hangs in stopping, is short of memory,
 * or that have a thread in uninterruptible sleep. By reading files and by asking systemd, which is not waited for. What the reads' signal
 * leaves of it counts; of `ms`, that is what the look has in all, there are shares for its parts.
 */
export async function findTrouble(
  reads: HostReads,
  processes: readonly HostProcess[],
  ms: number,
): Promise<TroubleFound> {
  const inTime = within(ms * STATES_SHARE, reads.signal)
  const asked = unitStates(reads.root, process.geteuid?.() ?? 0, inTime).catch(() => undefined)
  const { blocked, unlooked } = await findBlocked(reads, processes, ms * THREADS_SHARE)
  const killed = await killedIn(reads, processes)
  const short = await shortOfMemory(reads, processes)
  const states = await asked
  const found = new Map<number, Trouble>()
  for (const { pid, unit, cgroup } of processes) {
    const state = unit === undefined ? undefined : states?.get(unit)
    const stopping = state === 'deactivating' ? ({ kind: 'stopping' } as const) : undefined
    const why =
      blocked.get(pid) ??
      (state === 'failed' ? ({ kind: 'failed' } as const) : stopping) ??
      killed.get(cgroup) ??
      short.get(cgroup)
    if (why !== undefined) found.set(pid, why)
  }
  const unlearnt = [
    ...(states === undefined ? ['systemd did not say which units have failed'] : []),
    ...(reads.signal.aborted ? ['there was no time to see whose memory has run out'] : []),
    ...(unlooked > 0 ? [`the threads of ${unlooked} processes were not looked at in time`] : []),
  ]
  return { troubled: found, unlearnt }
}

interface Blocked {
  readonly pid: number
  readonly tid: number
  readonly comm: string
}

async function findBlocked(reads: HostReads, processes: readonly HostProcess[], ms: number) {
  const until = performance.now() + ms
  let left = THREADS
  let unlooked = 0
  let blocked: Blocked[] = []
  await fewAtATime(processes, async ({ pid, threads, state, comm }) => {
    left -= threads
    if (threads <= 1) {
      if (state === 'D') blocked.push({ pid, tid: pid, comm })
      return
    }
    if (left < 0 || performance.now() > until) {
      unlooked++
      return
    }
    for (const tid of numbered(await reads.names(`proc/${pid}/task`, { optional: true }))) {
      const one = { pid, tid, comm }
      if (isBlocked(reads, one)) blocked.push(one)
    }
  })
  for (let look = 1; look < LOOKS && blocked.length > 0 && !reads.signal.aborted; look++) {
    await sleep(LOOK_MS, undefined, { signal: reads.signal }).catch(() => {})
    blocked = blocked.filter((one) => isBlocked(reads, one))
  }
  const found = new Map<number, Trouble>()
  for (const { pid, tid, comm } of blocked) {
    const wchan = await reads.text(`proc/${pid}/task/${tid}/wchan`, { optional: true, once: true })
    const where = wchan === undefined || wchan === '0' ? {} : { wchan }
    found.set(pid, { kind: 'blocked', comm, tid, ...where })
  }
  return { blocked: found, unlooked }
}

function isBlocked(reads: HostReads, { pid, tid }: Blocked): boolean {
  return parseStat(readNow(reads.root, `proc/${pid}/task/${tid}/stat`) ?? '', 1)?.state === 'D'
}

/**
 * The cgroups in which the kernel has killed for want of memory, of late, and whom. What a group has counted since it was made says nothing of
 * today, so its own count (`memory.events.local`: not what is below it) is asked only where the kernel's log cannot be read.
 */
async function killedIn(reads: HostReads, processes: readonly HostProcess[]): Promise<ReadonlyMap<string, Trouble>> {
  const { deaths, unseen } = await kernelTestimony(reads)
  const since = Date.now() - LATELY_MS
  const tree = unseen.length > 0 ? await cgroupTree(reads) : undefined
  const found = new Map<string, Trouble>()
  for (const { cgroup, unit } of new Map(processes.map((process) => [process.cgroup, process])).values()) {
    if (unit === undefined) continue
    const last = deaths.findLast(({ kind, subject }) => kind === 'oom' && subject.unit === unit)
    if (last?.at !== undefined && last.at > since) {
      const { comm, pid } = last.subject
      found.set(cgroup, { kind: 'killed', ...(comm !== undefined && { comm }), ...(pid !== undefined && { pid }) })
    } else if (tree !== undefined) {
      const events = await reads.text(`${tree}${cgroup}/memory.events.local`, { optional: true, once: true })
      const count = numberOf(events, 'oom_kill') ?? 0
      if (count > 0) found.set(cgroup, { kind: 'killed', count })
    }
  }
  return found
}

/** The cgroups in which, or above which, memory has nearly run out: Documentation/admin-guide/cgroup-v2.rst. */
async function shortOfMemory(
  reads: HostReads,
  processes: readonly HostProcess[],
): Promise<ReadonlyMap<string, Trouble>> {
  const tree = await cgroupTree(reads)
  const found = new Map<string, Trouble>()
  if (tree === undefined) return found
  const looked = new Map<string, Promise<Trouble | undefined>>()
  for (const cgroup of new Set(processes.map((process) => process.cgroup))) {
    const parts = cgroup.split('/').filter((part) => part !== '')
    for (let depth = parts.length; depth > 0; depth--) {
      const path = parts.slice(0, depth).join('/')
      const look = looked.get(path) ?? shortage(reads, `${tree}/${path}`, parts[depth - 1] ?? '')
      looked.set(path, look)
      const why = await look
      if (why === undefined) continue
      found.set(cgroup, why)
      break
    }
  }
  return found
}

async function shortage(reads: HostReads, directory: string, group: string): Promise<Trouble | undefined> {
  const text = (file: string) => reads.text(`${directory}/${file}`, { optional: true, once: true })
  const limits = [await text('memory.high'), await text('memory.max')].map((limit) => Number.parseInt(limit ?? '', 10))
  const limit = Math.min(...limits.filter((bytes) => bytes > 0))
  if (limit === Infinity) return undefined
  const stat = await text('memory.stat')
  // Not memory.current: caches of files fill any limit, and harm nobody.
  const held = (numberOf(stat, 'anon') ?? 0) + (numberOf(stat, 'shmem') ?? 0)
  return held > limit * NEARLY ? { kind: 'short', group, percent: Math.round((100 * held) / limit) } : undefined
}
