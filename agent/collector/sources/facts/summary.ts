import { isoSecond } from '../../../words/instant.ts'
import { printable } from '../../../words/printable.ts'
import type { FileSystem } from '../../host/mounts.ts'
import { numberOf } from '../../host/process-files.ts'
import type { Process } from '../../host/processes.ts'
import { historyTold } from './history-told.ts'
import { cpuPercent } from './process-table.ts'
import { signs } from './signs.ts'
import { type Snapshot, textOf } from './snapshot.ts'

/** Rows of each of the summary's lists. */
const TOP = 10
/** Sentences under "what stands out". */
const SENTENCES = 20

/** summary.txt: what a person reads first, in one minute. */
export function summary(snapshot: Snapshot): string {
  const standing = signs(snapshot)
  const found = standing.slice(0, SENTENCES).map((sentence) => `  - ${printable(sentence)}`)
  if (standing.length > SENTENCES) found.push(`  - and ${standing.length - SENTENCES} more`)
  return [
    ...heading(snapshot),
    '',
    'What stands out',
    ...(found.length > 0 ? found : ['  nothing']),
    ...(snapshot.troubles > 0
      ? [`  (not everything could be read; entries in errors.txt so far: ${snapshot.troubles})`]
      : []),
    ...(snapshot.history === undefined ? [] : historyTold(snapshot.history)),
    ...lists(snapshot),
    '',
  ].join('\n')
}

function heading(snapshot: Snapshot): readonly string[] {
  const text = (path: string) => textOf(snapshot, path)
  const tasks = snapshot.processes.reduce((sum, process) => sum + process.threads, 0)
  const meminfo = text('proc/meminfo')
  const bytes = (name: string) => size(numberOf(meminfo, name))
  const swapUsed = (numberOf(meminfo, 'SwapTotal') ?? 0) - (numberOf(meminfo, 'SwapFree') ?? 0)
  const [load1 = '?', load5 = '?', load15 = '?'] = text('proc/loadavg')?.split(' ') ?? []
  const system = text('usr/lib/os-release')?.match(/^PRETTY_NAME="?([^"\n]*)/m)?.[1]
  const lines: readonly (readonly [string, string])[] = [
    ['host', `${text('proc/sys/kernel/hostname') ?? '?'}, boot ${text('proc/sys/kernel/random/boot_id') ?? '?'}`],
    ['taken', `${isoSecond(snapshot.at) ?? '?'}, ${age(clockOf(snapshot).uptime)} after boot`],
    [
      'system',
      `${system ?? '?'}, Linux ${text('proc/sys/kernel/osrelease') ?? '?'}, tainted ${text('proc/sys/kernel/tainted') ?? '?'}`,
    ],
    ['load', `${load1} ${load5} ${load15}, ${snapshot.processes.length} processes, ${tasks} tasks`],
    [
      'memory',
      `${bytes('MemAvailable')} available of ${bytes('MemTotal')}, swap ${size(swapUsed)} used of ${bytes('SwapTotal')}`,
    ],
    [
      'stalled',
      `${['cpu', 'memory', 'io'].map((what) => `${what} ${stalls(text(`proc/pressure/${what}`))}`).join(', ')} (some/full, % of 10 s)`,
    ],
  ]
  return lines.map(([name, value]) => `${name.padEnd(9)}${printable(value)}`)
}

function lists(snapshot: Snapshot): readonly string[] {
  const clock = clockOf(snapshot)
  const { processes, fileSystems } = snapshot
  const more = fileSystems.length > TOP ? [`  and ${fileSystems.length - TOP} more in mounts.tsv`] : []
  const percent = (process: Process) => cpuPercent(process, clock)
  const blocked = processes.filter((process) => process.state === 'D')
  return [
    ...list(
      'Most memory',
      top(processes, (p) => p.rss),
      (p) => size(p.rss),
    ),
    ...list('Most CPU since its start', top(processes, percent), (p) => `${percent(p).toFixed(1)} %`),
    ...list(
      'Most open files',
      top(processes, (p) => p.fds ?? 0),
      (p) => `${p.fds} of ${p.fdsLimit ?? '?'}`,
    ),
    ...list('In uninterruptible sleep', blocked.slice(0, TOP), (p) => p.wchan ?? '?'),
    '',
    'File systems',
    ...fullest(fileSystems).map(({ path, type, used, available, inodes, inodesUsed, note }) => {
      const space =
        note ?? `${share(used, (used ?? 0) + (available ?? 0))} of space, ${share(inodesUsed, inodes)} of inodes in use`
      return `  ${printable(path).padEnd(24)} ${type.padEnd(9)} ${space}`
    }),
    ...more,
  ]
}

function list(title: string, processes: readonly Process[], figure: (process: Process) => string): readonly string[] {
  if (processes.length === 0) return []
  const rows = processes.map((process) => {
    const who = [
      String(process.pid).padStart(8),
      printable(process.comm).padEnd(16),
      printable(process.unit ?? (process.isPlaced ? '' : 'unit unknown')),
    ]
    return `  ${figure(process).padStart(18)} ${who.join(' ')}`.trimEnd()
  })
  return ['', title, ...rows]
}

function top(processes: readonly Process[], by: (process: Process) => number): readonly Process[] {
  return processes
    .filter((process) => by(process) > 0)
    .sort((a, b) => by(b) - by(a) || a.pid - b.pid)
    .slice(0, TOP)
}

/** The fullest first, of space or of inodes; the ones that were not asked last. */
function fullest(fileSystems: readonly FileSystem[]): readonly FileSystem[] {
  const full = ({ used = 0, available = 0, inodes = 0, inodesUsed = 0 }: FileSystem) =>
    Math.max(used / (used + available || 1), inodesUsed / (inodes || 1))
  return [...fileSystems].sort((a, b) => full(b) - full(a)).slice(0, TOP)
}

/** When the host booted and how long it has been up, from /proc/stat and /proc/uptime. */
export function clockOf(snapshot: Pick<Snapshot, 'files' | 'at'>): {
  readonly booted: number
  readonly uptime: number
} {
  const uptime = Number.parseFloat(snapshot.files.get('proc/uptime') ?? '0')
  const booted = numberOf(snapshot.files.get('proc/stat'), 'btime')
  return { uptime, booted: booted === undefined ? snapshot.at - uptime * 1000 : booted * 1000 }
}

function stalls(pressure: string | undefined): string {
  const of = (what: string) => pressure?.match(new RegExp(`^${what} avg10=(\\S+)`, 'm'))?.[1] ?? '-'
  return `${of('some')}/${of('full')}`
}

function share(used: number | undefined, all: number | undefined): string {
  return used === undefined || !all ? '-' : `${Math.floor((100 * used) / all)} %`
}

function age(seconds: number): string {
  const [days, hours, minutes] = [seconds / 86_400, (seconds / 3600) % 24, (seconds / 60) % 60].map(Math.floor)
  return `${days} d ${hours} h ${minutes} min`
}

/** 1536 → 1.5 KiB */
function size(bytes: number | undefined): string {
  if (bytes === undefined) return '?'
  const power = bytes < 1024 ? 0 : Math.min(4, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${['B', 'KiB', 'MiB', 'GiB', 'TiB'][power]}`
}
