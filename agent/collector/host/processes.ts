import { shownName } from '../../words/host-name.ts'
import { parseMembership } from '../../words/membership.ts'
import { maskArguments } from '../masking/mask.ts'
import { pageBytes } from './auxiliary-vector.ts'
import { fewAtATime } from './few-at-a-time.ts'
import type { HostReads } from './host-reads.ts'
import { inTurns } from './in-turns.ts'
import { numberOf, parseStat, type Stat } from './process-files.ts'
import { isThere } from './read-now.ts'

/** A process: what its stat says, and, where it was asked further, the rest. */
export interface Process extends Stat {
  readonly uid?: number | undefined
  readonly swap?: number | undefined
  readonly fds?: number | undefined
  readonly fdsLimit?: number | undefined
  readonly oomScore?: number | undefined
  readonly oomScoreAdj?: number | undefined
  readonly wchan?: string | undefined
  readonly cgroup?: string | undefined
  readonly unit?: string | undefined
  /** Whether it is known in which group it is, if in any: a unit that could not be read is not none. */
  readonly isPlaced?: boolean
  readonly exe?: string | undefined
  /** Masked. */
  readonly command?: string | undefined
}

/** How much of the process table is read. */
export interface TableBounds {
  /** Processes of which stat is read. */
  readonly processes: number
  /** Processes asked further. */
  readonly detailed: number
  /** ms, of which this process was run, after which nobody is asked further. */
  readonly wait: number
}

/**
 * Stat costs 45 µs, in all 0.7 s; asking further ten files, 0.4 ms, in all 1.6 s at worst, which the wait cuts short:
 * everything else of the facts waits for this table.
 */
const BOUNDS: TableBounds = { processes: 16_384, detailed: 4096, wait: 1000 }
/** Bytes of a command line that are read, as much as a kernel before 4.2 kept, and characters that are shown. */
const COMMAND_BYTES = 4096
const COMMAND_SHOWN = 1024

/** Every process there is, by pid; the ones that stand out first asked further, as far as time goes. */
export async function readProcesses(reads: HostReads, bounds = BOUNDS): Promise<readonly Process[]> {
  const until = reads.time.now() + bounds.wait
  const page = pageBytes(await reads.bytes('proc/self/auxv', { optional: true }))
  const pids = numbered(await reads.names('proc'))
  const left = pids.length - bounds.processes
  if (left > 0) reads.ledger.lost('processes.tsv', `${left} processes left out`)

  const processes = new Map<number, Process>()
  await fewAtATime(pids.slice(0, bounds.processes), async (pid) => {
    const line = await reads.text(`proc/${pid}/stat`, { once: true, optional: true })
    const stat = line === undefined ? undefined : parseStat(line, page)
    if (stat !== undefined) processes.set(pid, stat)
  })

  const countable = countsDescriptors(await reads.text('proc/sys/kernel/osrelease', { optional: true }))
  const striking = strikingFirst([...processes.values()])
  let asked = 0
  await fewAtATime(striking, async (process) => {
    if (asked >= bounds.detailed || reads.time.now() > until) return
    asked++
    processes.set(process.pid, await detailed(reads, process, countable))
  })
  if (asked < striking.length) {
    reads.ledger.lost('processes.tsv', `of ${striking.length - asked} processes only what stat says`)
  }
  return pids.flatMap((pid) => processes.get(pid) ?? [])
}

/**
 * The largest and those in uninterruptible sleep in turns, for a user may have thousands that wait for their children (vfork(2));
 * kernel threads last.
 */
function strikingFirst(processes: readonly Process[]): readonly Process[] {
  const ordered = processes.toSorted((a, b) => Number(isBlocked(b)) - Number(isBlocked(a)) || b.rss - a.rss)
  const [own = [], kernel = []] = [false, true].map((is) => ordered.filter(({ kernelThread }) => kernelThread === is))
  return [...inTurns(own, isBlocked), ...kernel]
}

const isBlocked = ({ state }: Process) => state === 'D'

async function detailed(reads: HostReads, stat: Stat, countable: boolean): Promise<Process> {
  const text = (name: string) => reads.text(`proc/${stat.pid}/${name}`, { once: true, optional: true })
  // A kernel thread has neither memory nor descriptors of its own; where it waits tells only in D.
  if (stat.kernelThread)
    return { ...stat, uid: 0, isPlaced: true, ...(stat.state === 'D' && { wchan: await text('wchan') }) }
  const status = await text('status')
  const group = await reads.bytes(`proc/${stat.pid}/cgroup`, { once: true, optional: true })
  const { cgroup, unit } = parseMembership(group?.toString('latin1') ?? '') ?? {}
  const limits = await text('limits')
  return {
    ...stat,
    uid: numberOf(status, 'Uid'),
    swap: numberOf(status, 'VmSwap'),
    fds: await descriptors(reads, stat.pid, countable),
    fdsLimit: number(limits?.match(/^Max open files\s+(\d+)/m)?.[1]),
    oomScore: number(await text('oom_score')),
    oomScoreAdj: number(await text('oom_score_adj')),
    wchan: waitsIn(await text('wchan')),
    cgroup: cgroup === undefined ? undefined : shownName(cgroup),
    unit,
    // Without cgroups the file is empty, or not there at all.
    isPlaced: group !== undefined || !isThere(reads.root, `proc/${stat.pid}/cgroup`),
    exe: await reads.link(`proc/${stat.pid}/exe`, { optional: true }),
    // Last, because it is the one that hangs with the process's memory map.
    command: await commandLine(reads, stat.pid, numberOf(status, 'Uid')),
  }
}

/** Since Linux 6.2 (f1f1f2569901) the size of /proc/PID/fd is the number of descriptors. */
export function countsDescriptors(release: string | undefined): boolean {
  const [major = 0, minor = 0] = (release ?? '').split('.').map(Number)
  return major > 6 || (major === 6 && minor >= 2)
}

async function descriptors(reads: HostReads, pid: number, countable: boolean): Promise<number | undefined> {
  const path = `proc/${pid}/fd`
  if (countable) return (await reads.stat(path, { optional: true }))?.size
  return (await reads.names(path, { optional: true }))?.length
}

async function commandLine(reads: HostReads, pid: number, uid: number | undefined): Promise<string | undefined> {
  const options = { once: true, optional: true, limit: COMMAND_BYTES, head: true, ...(uid !== undefined && { uid }) }
  const content = await reads.bytes(`proc/${pid}/cmdline`, options)
  if (!content?.length) return undefined
  const args = content.toString().replace(/\0+$/, '').split('\0')
  const whole = content.length < COMMAND_BYTES
  // Half a secret is not recognised as one: an argument cut by the limit goes.
  const shown = maskArguments(whole ? args : args.slice(0, -1)).join(' ')
  return shown.length > COMMAND_SHOWN || !whole ? `${shown.slice(0, COMMAND_SHOWN)}…` : shown
}

/** The names that are pids, in order. */
export function numbered(names: readonly string[] | undefined): readonly number[] {
  const numbers = (names ?? []).filter((name) => /^\d+$/.test(name)).map(Number)
  return numbers.sort((a, b) => a - b)
}

function waitsIn(wchan: string | undefined): string | undefined {
  return wchan === '0' ? undefined : wchan
}

function number(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text)
}
