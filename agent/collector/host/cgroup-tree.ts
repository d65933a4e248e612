import type { HostReads } from './host-reads.ts'
import { parseMounts } from './mounts.ts'

/** Where the cgroups of version 2 are, without the leading slash: `sys/fs/cgroup`. Undefined where they are not mounted. */
export async function cgroupTree(reads: HostReads): Promise<string | undefined> {
  const mounts = parseMounts((await reads.text('proc/self/mountinfo', { optional: true })) ?? '')
  return mounts.find(({ type }) => type === 'cgroup2')?.path.slice(1)
}
