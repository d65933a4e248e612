import type { HostReads } from './host-reads.ts'
import { type Mount, parseMounts } from './mounts.ts'

/** Where the cgroups of version 2 are, without the leading slash: `sys/fs/cgroup`. Undefined where they are not mounted. */
export const cgroupMount = (mounts: readonly Mount[]): string | undefined =>
  mounts.find(({ type }) => type === 'cgroup2')?.path.slice(1)

/** The same of the host's own mounts. */
export async function cgroupTree(reads: HostReads): Promise<string | undefined> {
  return cgroupMount(parseMounts((await reads.text('proc/self/mountinfo', { optional: true })) ?? ''))
}
