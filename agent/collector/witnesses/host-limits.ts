import type { Evidence, FileSystemUse, Used } from '../../findings/evidence.ts'
import type { Unseen } from '../../findings/seen.ts'
import type { HostReads } from '../host/host-reads.ts'
import { parseMounts, readFileSystems } from '../host/mounts.ts'
import { portsUsed } from './ports.ts'

/** Bytes of the list of mounts. */
const MOUNTS_BYTES = 256 * 1024
/** File systems that nobody can write to, and so never full of what anybody has written. */
const READ_ONLY = /^(?:squashfs|erofs|iso9660|ramfs)$/
/** Where systemd lays credentials: each a file system of its own, as full as it is. */
const CREDENTIALS = /^\/run\/credentials\//

/** What of the host's own limits is used, and what could not be asked. */
export type HostLimits = Pick<Evidence, 'tasks' | 'files' | 'connections' | 'ports' | 'fileSystems'> & {
  readonly unseen: readonly Unseen[]
}

/** How much is used of what the whole host has: a dozen small files, and a question to each local file system. */
export async function hostLimits(reads: HostReads): Promise<HostLimits> {
  const tasks = await tasksUsed(reads)
  const files = await filesUsed(reads)
  const most = await numberIn(reads, 'proc/sys/net/netfilter/nf_conntrack_max')
  const used = await numberIn(reads, 'proc/sys/net/netfilter/nf_conntrack_count')
  const mounts = await reads.text('proc/self/mountinfo', { optional: true, limit: MOUNTS_BYTES })
  const unseen: readonly Unseen[] = [
    ...(tasks === undefined || files === undefined ? [{ place: 'the limits', why: 'could not be read' } as const] : []),
    ...(mounts === undefined ? [{ place: 'the file systems', why: 'could not be read' } as const] : []),
  ]
  return {
    ...{ tasks, files, connections: usedOf(used, most), ports: await portsUsed(reads) },
    fileSystems: mounts === undefined ? [] : await fileSystemsOf(reads, mounts),
    unseen,
  }
}

/** All threads, by the fourth field of /proc/loadavg (`1/233`), against the lower of the kernel's two limits: proc_sys_kernel(5). */
async function tasksUsed(reads: HostReads): Promise<Used | undefined> {
  const load = await reads.text('proc/loadavg', { optional: true })
  const limits = [
    await numberIn(reads, 'proc/sys/kernel/pid_max'),
    await numberIn(reads, 'proc/sys/kernel/threads-max'),
  ]
  const known = limits.filter((limit) => limit !== undefined)
  const used = Number(/\/(\d+) /.exec(load ?? '')?.[1] ?? Number.NaN)
  return known.length === 0 || Number.isNaN(used) ? undefined : { used, most: Math.min(...known) }
}

/** `open free most`: proc_sys_fs(5), file-nr. */
async function filesUsed(reads: HostReads): Promise<Used | undefined> {
  const [used, , most] = ((await reads.text('proc/sys/fs/file-nr', { optional: true })) ?? '').split(/\s+/).map(Number)
  return usedOf(used, most)
}

async function fileSystemsOf(reads: HostReads, mountinfo: string): Promise<readonly FileSystemUse[]> {
  const all = await readFileSystems(reads, parseMounts(mountinfo))
  const uses = all.flatMap(({ path, type, options, size, available, inodes = 0, inodesUsed = 0 }) => {
    const isFixed = READ_ONLY.test(type) || CREDENTIALS.test(path) || /(?:^|,)ro(?:,|$)/.test(options)
    return isFixed || size === undefined || available === undefined
      ? []
      : [{ path, size, available, inodes, inodesUsed }]
  })
  // Each container's overlay says what the file system below it says: that is told once, by its shortest path.
  const byFigures = Map.groupBy(uses, ({ size, available, inodesUsed }) => `${size} ${available} ${inodesUsed}`)
  return [...byFigures.values()].flatMap((same) => same.toSorted((a, b) => a.path.length - b.path.length)[0] ?? [])
}

async function numberIn(reads: HostReads, path: string): Promise<number | undefined> {
  const text = await reads.text(path, { optional: true })
  return text === undefined || !/^\d+\s*$/.test(text) ? undefined : Number(text)
}

const usedOf = (used: number | undefined, most: number | undefined): Used | undefined =>
  used === undefined || most === undefined || !(most > 0) ? undefined : { used, most }
