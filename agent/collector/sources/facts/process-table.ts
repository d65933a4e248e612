import { isoSecond } from '../../../words/instant.ts'
import type { Process } from '../../host/processes.ts'
import { type Cell, tsv } from '../../tar/tsv.ts'

/** When the host booted, in ms since the epoch, and how long ago that is, in seconds. */
export interface Clock {
  readonly booted: number
  readonly uptime: number
}

/** processes.tsv, one line a process; FACTS.md says what the columns mean. */
export function processTable(processes: readonly Process[], clock: Clock): string {
  const rows = processes.map((process) => COLUMNS.map(([, of]) => of(process, clock)))
  return tsv(
    COLUMNS.map(([name]) => name),
    rows,
  )
}

const COLUMNS: readonly (readonly [string, (process: Process, clock: Clock) => Cell])[] = [
  ['pid', (p) => p.pid],
  ['ppid', (p) => p.ppid],
  ['pgid', (p) => p.pgid],
  ['state', (p) => p.state],
  ['threads', (p) => p.threads],
  ['uid', (p) => p.uid],
  ['nice', (p) => p.nice],
  ['started', (p, clock) => isoSecond(clock.booted + p.start * 1000)],
  ['rss', (p) => p.rss],
  ['swap', (p) => p.swap],
  ['vsz', (p) => p.vsz],
  ['cpu_percent', (p, clock) => cpuPercent(p, clock).toFixed(1)],
  ['utime', (p) => p.utime.toFixed(2)],
  ['stime', (p) => p.stime.toFixed(2)],
  ['minflt', (p) => p.minflt],
  ['majflt', (p) => p.majflt],
  ['fds', (p) => p.fds],
  ['fds_limit', (p) => p.fdsLimit],
  ['oom_score', (p) => p.oomScore],
  ['oom_score_adj', (p) => p.oomScoreAdj],
  ['wchan', (p) => p.wchan],
  ['unit', (p) => p.unit ?? placeless(p)],
  ['cgroup', (p) => p.cgroup ?? placeless(p)],
  ['exe', (p) => p.exe],
  ['comm', (p) => p.comm],
  ['command', (p) => p.command],
]

/** Of a process that is in no group there is nothing to be said; of one of which that could not be read, this. */
const placeless = ({ isPlaced }: Process) => (isPlaced ? undefined : UNKNOWN)
const UNKNOWN = '?'

/** Share of one CPU over the process's life, in percent. */
export function cpuPercent(process: Process, clock: Clock): number {
  return (100 * (process.utime + process.stime)) / Math.max(clock.uptime - process.start, 1)
}
