import { shownName } from '../../words/host-name.ts'
import { parseMembership } from '../../words/membership.ts'
import { cgroupTree } from '../host/cgroup-tree.ts'
import { fewAtATime } from '../host/few-at-a-time.ts'
import type { HostReads } from '../host/host-reads.ts'
import { numberOf } from '../host/process-files.ts'
import { readNow } from '../host/read-now.ts'
import type { HostProcess } from './host-process.ts'

/** Share of a limit from which on it is worth to be looked at closely. */
const NEARLY = 0.9
/** Entries of a table of descriptors below which no process is near any limit: the kernel begins with 64 (NR_OPEN_DEFAULT). */
const TABLE = 128
/** Groups that are looked at: two files each, 0.1 ms. */
const GROUPS = 1024

/** A process that has nearly all the descriptors that it may have. */
export interface FullTable {
  readonly process: HostProcess
  readonly used: number
  readonly most: number
}

/** A group that has nearly all the tasks that it may have. */
export interface FullGroup {
  readonly cgroup: string
  /** Its unit's name, or that of a slice. */
  readonly unit: string
  readonly used: number
  readonly most: number
  /** Forks that its limit has refused so far. */
  readonly refused: number
}

/** Which processes have nearly no descriptors left: only of those with a large table the limit is read, and only of those near it the descriptors counted. */
export async function fullTables(reads: HostReads, processes: readonly HostProcess[]): Promise<readonly FullTable[]> {
  const full: FullTable[] = []
  await fewAtATime(processes, async (process) => {
    const { pid } = process
    const size = numberOf(readNow(reads.root, `proc/${pid}/status`), 'FDSize') ?? 0
    if (size < TABLE) return
    const limits = await reads.text(`proc/${pid}/limits`, { optional: true, once: true })
    const most = Number(/^Max open files\s+(\d+)/m.exec(limits ?? '')?.[1] ?? Number.NaN)
    if (!(size >= most * NEARLY)) return
    const counted = (await reads.stat(`proc/${pid}/fd`, { optional: true }))?.size
    // Since Linux 6.2 its size is their number; before, it is none.
    const used = counted || (await reads.names(`proc/${pid}/fd`, { optional: true }))?.length
    if (used !== undefined && used >= most * NEARLY) full.push({ process, used, most })
  })
  return full.toSorted((a, b) => a.process.pid - b.process.pid)
}

/** The groups of these processes, and those above them, that have nearly no tasks left: Documentation/admin-guide/cgroup-v2.rst, "PID". */
export async function fullGroups(reads: HostReads, processes: readonly HostProcess[]): Promise<readonly FullGroup[]> {
  const tree = await cgroupTree(reads)
  if (tree === undefined) return []
  const full: FullGroup[] = []
  await fewAtATime([...withParents(processes)].slice(0, GROUPS), async (cgroup) => {
    const number = async (file: string) =>
      Number((await reads.text(`${tree}${cgroup}/${file}`, { optional: true, once: true })) ?? Number.NaN)
    const most = await number('pids.max')
    if (!Number.isFinite(most)) return
    const used = await number('pids.current')
    if (!(used >= most * NEARLY)) return
    const events = await reads.text(`${tree}${cgroup}/pids.events`, { optional: true, once: true })
    const unit = parseMembership(`0::${cgroup}`)?.unit ?? shownName(cgroup.split('/').at(-1) ?? '')
    full.push({ cgroup, unit, used, most, refused: numberOf(events, 'max') ?? 0 })
  })
  return full.toSorted((a, b) => (a.cgroup < b.cgroup ? -1 : 1))
}

function withParents(processes: readonly HostProcess[]): ReadonlySet<string> {
  const groups = new Set<string>()
  for (const { cgroup } of processes) {
    const parts = cgroup.split('/').filter((part) => part !== '')
    for (let depth = parts.length; depth > 0; depth--) groups.add(`/${parts.slice(0, depth).join('/')}`)
  }
  return groups
}
