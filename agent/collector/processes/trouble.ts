import { within } from '../../words/deadline.ts'
import type { Trouble } from '../../words/details.ts'
import { cgroupTree } from '../host/cgroup-tree.ts'
import type { HostReads } from '../host/host-reads.ts'
import { ownUid } from '../host/own-user.ts'
import { numberOf } from '../host/process-files.ts'
import { kernelTestimony } from '../witnesses/kernel-log.ts'
import { findHangs, type HungThread } from './hangs.ts'
import type { HostProcess } from './host-process.ts'
import { type FullGroup, type FullTable, fullGroups, fullTables } from './limits.ts'
import { unitStates } from './unit-states.ts'

/** What of its time systemd may take to say which units have failed: 80 ms under emulation, up to 41 s on a host short of memory. */
const STATES_SHARE = 1 / 4
/** ms: a unit whose process was killed longer ago has lived on since. */
const LATELY_MS = 10 * 60_000
/** Share of a memory limit beyond which a unit is in trouble: what is counted cannot be reclaimed but by swapping. */
const NEARLY = 0.9

export interface TroubleFound {
  /** Processes in trouble, by pid, and why. */
  readonly troubled: ReadonlyMap<number, Trouble>
  readonly hangs: readonly HungThread[]
  readonly tables: readonly FullTable[]
  readonly groups: readonly FullGroup[]
  /** Units of any kind that have failed; undefined where systemd did not say. */
  readonly failed: readonly string[] | undefined
  /** Processes whose threads were not all looked at. */
  readonly unlooked: number
  /** What was not learnt, so that there may be more of them: a sentence each. */
  readonly unlearnt: readonly string[]
}

/** Of a host that is not run by units. */
export const NO_TROUBLE: TroubleFound = {
  ...{ troubled: new Map(), hangs: [], tables: [], groups: [], failed: [], unlooked: 0, unlearnt: [] },
}

/**
 * The processes in trouble and why: those that hang, whose unit has failed or hangs in stopping, that are short of memory, descriptors or tasks.
 * By reading files and by asking systemd, which is not waited for. What the reads' signal leaves of it counts; of `ms`, that is what the
 * look has in all, there are shares for its parts.
 */
export async function findTrouble(
  reads: HostReads,
  processes: readonly HostProcess[],
  ms: number,
): Promise<TroubleFound> {
  const inTime = within(ms * STATES_SHARE, reads.signal)
  const asked = unitStates(reads.root, ownUid(), inTime).catch(() => undefined)
  const { hangs, unlooked } = await findHangs(reads, processes, ms)
  const hung = new Map(hangs.toReversed().map((hang) => [hang.process.pid, hangTrouble(hang)]))
  const killed = await killedIn(reads, processes)
  const short = await shortOfMemory(reads, processes)
  const tables = await fullTables(reads, processes)
  const groups = await fullGroups(reads, processes)
  const full = new Map([
    ...processes.flatMap(({ pid, cgroup }) => {
      const group = groups.find((one) => cgroup === one.cgroup || cgroup.startsWith(`${one.cgroup}/`))
      return group === undefined ? [] : [[pid, limit('tasks', group)] as const]
    }),
    ...tables.map((table) => [table.process.pid, limit('descriptors', table)] as const),
  ])
  const states = await asked
  const found = new Map<number, Trouble>()
  for (const { pid, unit, cgroup } of processes) {
    const state = unit === undefined ? undefined : states?.get(unit)
    const stopping = state === 'deactivating' ? ({ kind: 'stopping' } as const) : undefined
    const why =
      hung.get(pid) ??
      (state === 'failed' ? ({ kind: 'failed' } as const) : stopping) ??
      killed.get(cgroup) ??
      short.get(cgroup) ??
      full.get(pid)
    if (why !== undefined) found.set(pid, why)
  }
  const unlearnt = [
    ...(states === undefined ? ['systemd did not say which units have failed'] : []),
    ...(reads.signal.aborted ? ['there was no time to see whose memory has run out'] : []),
    ...(unlooked > 0 ? [`the threads of ${unlooked} processes were not looked at in time`] : []),
  ]
  const failed = states && [...states].flatMap(([unit, state]) => (state === 'failed' ? [unit] : []))
  return { troubled: found, hangs, tables, groups, failed, unlooked, unlearnt }
}

function hangTrouble(hang: HungThread): Trouble {
  const { process, tid, kind } = hang
  if (kind !== 'blocked') return { kind, tid }
  return { kind, comm: process.comm, tid, ...(hang.wchan !== undefined && { wchan: hang.wchan }) }
}

const limit = (of: 'tasks' | 'descriptors', { used, most }: { readonly used: number; readonly most: number }) =>
  ({ kind: 'limit', of, used, most }) as const

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
