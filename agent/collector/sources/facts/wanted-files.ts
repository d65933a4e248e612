import type { ReadOptions } from '../../host/host-reads.ts'

/** A file, or the files of a pattern with `*` for whole names, taken as it is. */
export interface WantedFile extends ReadOptions {
  readonly path: string
  /** Secrets may stand in it: hidden before it is stored. */
  readonly masked?: boolean
}

const KIB = 1024

/** First of all: of what a host dies while nothing gets a turn any more. A dozen files, together 1 ms. */
export const FIRST: readonly WantedFile[] = [
  ...paths('proc/', 'meminfo uptime loadavg vmstat'),
  ...paths('proc/pressure/', 'memory cpu io irq', { optional: true }),
]

/** Always, right after the kernel's log: what every question begins with. */
export const ALWAYS: readonly WantedFile[] = [
  ...paths('proc/', 'stat diskstats swaps version'),
  { path: 'proc/cmdline', masked: true },
  { path: 'proc/self/mountinfo', masked: true, limit: 256 * KIB },
  ...paths('proc/sys/fs/', 'file-nr inode-nr'),
  ...paths('proc/sys/kernel/', 'hostname osrelease tainted pid_max threads-max core_pattern random/boot_id'),
  { path: 'usr/lib/os-release' },
  // Errors that the file system has written down in its superblock, also of earlier boots.
  ...paths('sys/fs/ext4/*/', 'errors_count first_error_time last_error_time', { optional: true }),
  ...paths('proc/sys/net/netfilter/', 'nf_conntrack_count nf_conntrack_max', { optional: true }),
]

/** Then details by what may have gone wrong, in the order of worth per byte. */
export const BY_FAILURE: readonly WantedFile[] = details([
  // Panic in the previous boot: its last kernel lines.
  { path: 'sys/fs/pstore/*', optional: true, masked: true },
  { path: 'var/lib/systemd/pstore/*/dmesg.txt', optional: true, masked: true, limit: 128 * KIB },
  // Out of memory.
  ...paths('proc/', 'buddyinfo zoneinfo slabinfo', { limit: 256 * KIB }),
  ...paths('proc/sys/vm/', 'overcommit_memory overcommit_ratio min_free_kbytes panic_on_oom swappiness max_map_count'),
  { path: 'sys/kernel/mm/transparent_hugepage/enabled', optional: true },
  // Hang.
  { path: 'proc/locks', limit: 256 * KIB },
  ...paths('proc/', 'interrupts softirqs', { limit: 256 * KIB }),
  // Disks.
  { path: 'proc/mdstat', optional: true },
  { path: 'proc/partitions' },
  { path: 'sys/block/*/inflight', optional: true },
  { path: 'proc/1/mountinfo', masked: true, limit: 256 * KIB },
  // Network.
  ...paths('proc/net/', 'sockstat sockstat6 dev snmp netstat softnet_stat arp', { optional: true }),
  ...paths('proc/net/', 'route ipv6_route', { optional: true, limit: 256 * KIB }),
  ...paths('proc/net/', 'tcp tcp6 udp udp6', { optional: true, limit: 512 * KIB }),
  ...paths('sys/class/net/*/', 'operstate', { optional: true }),
  // Machine and kernel.
  { path: 'proc/cpuinfo', limit: 128 * KIB },
  { path: 'proc/modules', limit: 128 * KIB, optional: true },
  { path: 'sys/kernel/kexec_crash_loaded', optional: true },
  { path: 'proc/sys/kernel/hung_task_timeout_secs', optional: true },
])

/** Of each cgroup of the largest, as they are: what the table does not break down. */
export const OF_CGROUP = ['memory.stat', 'memory.pressure', 'io.stat'] as const

/** Directories whose files are evidence of earlier crashes; listed, not read. */
export const CRASH_DIRECTORIES = [
  'sys/fs/pstore',
  'var/lib/systemd/pstore',
  'var/crash',
  'var/lib/systemd/coredump',
] as const

function details(files: readonly WantedFile[]): readonly WantedFile[] {
  return files.map((file) => ({ ...file, detail: true }))
}

function paths(prefix: string, names: string, options: ReadOptions = {}): readonly WantedFile[] {
  return names.split(' ').map((name) => ({ path: prefix + name, ...options }))
}
