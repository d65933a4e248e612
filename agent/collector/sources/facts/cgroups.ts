import { shownName } from '../../../words/host-name.ts'
import { fewAtATime } from '../../host/few-at-a-time.ts'
import type { HostReads } from '../../host/host-reads.ts'
import { tsv } from '../../tar/tsv.ts'

/** A cgroup of version 2: its path below the hierarchy's root, and numbers by the column they stand in. */
export interface Cgroup {
  readonly path: string
  readonly values: ReadonlyMap<string, string>
}

/** Cgroups in the table, from the root downwards: 15 files each, 0.7 ms; a server with a hundred services has about 150. */
const CGROUPS = 1024
/** ms for all of them, of which this process was run, as the summary waits for it. */
const TREE_WAIT = 750

/** Where a column's value stands: a whole file, a key's value in it, or the sum over its lines. */
interface Column {
  readonly name: string
  readonly file: string
  readonly value: RegExp
}

/** Documentation/admin-guide/cgroup-v2.rst */
const COLUMNS: readonly Column[] = [
  whole('memory_current', 'memory.current'),
  whole('memory_peak', 'memory.peak'),
  whole('memory_max', 'memory.max'),
  whole('memory_high', 'memory.high'),
  whole('swap_current', 'memory.swap.current'),
  keyed('memory_high_events', 'memory.events', 'high '),
  keyed('memory_max_events', 'memory.events', 'max '),
  keyed('oom', 'memory.events', 'oom '),
  // Of the group itself: memory.events counts what is below it too.
  keyed('oom_kill', 'memory.events.local', 'oom_kill '),
  keyed('memory_full_avg10', 'memory.pressure', 'full avg10='),
  whole('pids_current', 'pids.current'),
  whole('pids_peak', 'pids.peak'),
  whole('pids_max', 'pids.max'),
  keyed('pids_max_events', 'pids.events', 'max '),
  keyed('cpu_usage_usec', 'cpu.stat', 'usage_usec '),
  keyed('cpu_throttled_usec', 'cpu.stat', 'throttled_usec '),
  keyed('cpu_some_avg10', 'cpu.pressure', 'some avg10='),
  { name: 'io_read_bytes', file: 'io.stat', value: /\brbytes=(\d+)/g },
  { name: 'io_write_bytes', file: 'io.stat', value: /\bwbytes=(\d+)/g },
  keyed('io_full_avg10', 'io.pressure', 'full avg10='),
]

/** The tree below a mount point of cgroup version 2 (`sys/fs/cgroup`), parents before children. */
export async function readCgroups(reads: HostReads, mount: string): Promise<readonly Cgroup[]> {
  const until = reads.time.now() + TREE_WAIT
  const paths = await tree(reads, mount, until)
  const cgroups = new Map<string, Cgroup>()
  await fewAtATime(paths, async (path) => {
    if (reads.time.now() < until) cgroups.set(path, { path, values: await valuesOf(reads, mount + path) })
  })
  if (cgroups.size < paths.length) reads.ledger.lost('cgroups.tsv', `${paths.length - cgroups.size} cgroups left out`)
  return paths.flatMap((path) => cgroups.get(path) ?? [])
}

/** cgroups.tsv */
export function cgroupTable(cgroups: readonly Cgroup[]): string {
  const rows = cgroups.map((cgroup) => [
    shownName(cgroup.path),
    ...COLUMNS.map((column) => cgroup.values.get(column.name)),
  ])
  return tsv(['cgroup', ...COLUMNS.map((column) => column.name)], rows)
}

async function tree(reads: HostReads, mount: string, until: number): Promise<readonly string[]> {
  const paths = ['/']
  for (let next = 0; next < paths.length; next++) {
    const path = paths[next] ?? '/'
    const names = (await reads.names(mount + path, { optional: true, folders: true })) ?? []
    paths.push(...names.map((name) => `${path === '/' ? '' : path}/${name}`))
    if (paths.length <= CGROUPS && reads.time.now() < until) continue
    reads.ledger.lost('cgroups.tsv', `the tree goes on after ${Math.min(paths.length, CGROUPS)} cgroups`)
    break
  }
  return paths.slice(0, CGROUPS)
}

async function valuesOf(reads: HostReads, directory: string): Promise<ReadonlyMap<string, string>> {
  const values = new Map<string, string>()
  const read = new Map<string, string | undefined>()
  for (const { name, file, value } of COLUMNS) {
    if (!read.has(file)) read.set(file, await reads.text(`${directory}/${file}`, { optional: true, once: true }))
    const found = [...(read.get(file)?.matchAll(value) ?? [])].map((match) => match[1] ?? '')
    if (found.length === 1) values.set(name, found[0] ?? '')
    if (found.length > 1) values.set(name, String(found.reduce((sum, number) => sum + Number(number), 0)))
  }
  return values
}

function whole(name: string, file: string): Column {
  return { name, file, value: /^(\S+)/g }
}

function keyed(name: string, file: string, key: string): Column {
  return { name, file, value: new RegExp(`^${key}(\\S+)`, 'gm') }
}
