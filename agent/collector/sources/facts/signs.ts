import { numberOf } from '../../host/process-files.ts'
import { kernelSigns } from './kernel-signs.ts'
import { type Snapshot, textOf } from './snapshot.ts'

/** Share of a limit, in percent, from which on it is worth a line. */
const NEARLY = 90
/** Percent of ten seconds in which everything stood still for want of something. */
const STALLED = 10

/** Sentences of one kind: a user may have hundreds of processes or groups at a limit of their own. */
const OF_ONE_KIND = 5

/** What looks wrong on this host, the gravest first, a sentence each; empty when nothing stands out. */
export function signs(snapshot: Snapshot): readonly string[] {
  return [
    ...few('memory', memorySigns(snapshot)),
    // One of each sort.
    ...kernelSigns(snapshot.kernelLog),
    ...few('tasks', taskSigns(snapshot)),
    ...few('file systems', fileSystemSigns(snapshot)),
    ...few('groups', cgroupSigns(snapshot)),
    ...few('descriptors', descriptorSigns(snapshot)),
    ...few('pressure', pressureSigns(snapshot)),
  ].map((sentence) => sentence.replaceAll('\n', ' '))
}

function few(kind: string, all: readonly string[]): readonly string[] {
  const more = all.length - OF_ONE_KIND
  return more <= 0 ? all : [...all.slice(0, OF_ONE_KIND), `and ${more} more of ${kind}`]
}

function memorySigns(snapshot: Snapshot): readonly string[] {
  const meminfo = textOf(snapshot, 'proc/meminfo')
  const total = numberOf(meminfo, 'MemTotal')
  const available = numberOf(meminfo, 'MemAvailable')
  const kills = numberOf(textOf(snapshot, 'proc/vmstat'), 'oom_kill') ?? 0
  return [
    ...when(kills > 0, `processes killed for want of memory since boot: ${kills}`),
    ...nearly('memory', total === undefined || available === undefined ? undefined : total - available, total),
  ]
}

function taskSigns({ processes, files }: Snapshot): readonly string[] {
  const threads = processes.reduce((sum, process) => sum + process.threads, 0)
  const limits = ['pid_max', 'threads-max'].map((name) => Number(files.get(`proc/sys/kernel/${name}`) ?? Number.NaN))
  const blocked = processes.filter((process) => process.state === 'D')
  const dead = processes.filter((process) => process.state === 'Z').length
  return [
    ...nearly('task ids', threads, Math.min(...limits.filter((limit) => limit > 0))),
    ...when(blocked.length > 0, `processes in uninterruptible sleep: ${blocked.length}`),
    ...when(dead > 20, `dead processes that nobody waits for: ${dead}`),
  ]
}

function fileSystemSigns({ fileSystems, files }: Snapshot): readonly string[] {
  const full = fileSystems
    .filter(({ type }) => !/^(?:squashfs|erofs|iso9660)$/.test(type))
    .flatMap(({ path, used, available, inodes, inodesUsed }) => [
      ...nearly(`space of ${path}`, used, used === undefined ? undefined : used + (available ?? 0)),
      ...nearly(`inodes of ${path}`, inodesUsed, inodes),
    ])
  const errors = [...files].flatMap(([path, text]) => {
    const disk = /^sys\/fs\/ext4\/(.*)\/errors_count$/.exec(path)?.[1]
    return when(disk !== undefined && Number(text) > 0, `errors recorded on the file system of ${disk}: ${text.trim()}`)
  })
  return [...full, ...errors]
}

function cgroupSigns({ cgroups }: Snapshot): readonly string[] {
  return cgroups.flatMap(({ path, values }) => {
    if (path === '/') return []
    const value = (name: string) => Number(values.get(name) ?? Number.NaN)
    return [
      ...when(value('oom_kill') > 0, `processes of ${path} killed for want of memory: ${value('oom_kill')}`),
      ...when(value('pids_max_events') > 0, `forks refused to ${path} by its limit: ${value('pids_max_events')}`),
      ...nearly(`the memory limit of ${path}`, value('memory_current'), value('memory_max')),
      ...nearly(`the task limit of ${path}`, value('pids_current'), value('pids_max')),
    ]
  })
}

function descriptorSigns({ processes, files }: Snapshot): readonly string[] {
  const [open, , most] = (files.get('proc/sys/fs/file-nr') ?? '').split(/\s+/).map(Number)
  const tracked = (name: string) => Number(files.get(`proc/sys/net/netfilter/nf_conntrack_${name}`) ?? Number.NaN)
  return [
    ...nearly('open files of the host', open, most),
    ...nearly('tracked connections', tracked('count'), tracked('max')),
    ...processes.flatMap((p) => nearly(`open files of ${p.comm} (${p.pid})`, p.fds, p.fdsLimit)),
  ]
}

function pressureSigns(snapshot: Snapshot): readonly string[] {
  return ['memory', 'io'].flatMap((what) => {
    const full = textOf(snapshot, `proc/pressure/${what}`)?.match(/^full avg10=(\S+)/m)?.[1]
    return when(Number(full) >= STALLED, `everything waited for ${what} ${full} % of the last ten seconds`)
  })
}

function when(condition: boolean, sentence: string): readonly string[] {
  return condition ? [sentence] : []
}

function nearly(what: string, used: number | undefined, limit: number | undefined): readonly string[] {
  if (used === undefined || limit === undefined || !Number.isFinite(limit) || limit <= 0) return []
  const percent = Math.floor((100 * used) / limit)
  return when(percent >= NEARLY, `in use of ${what}: ${percent} %`)
}
