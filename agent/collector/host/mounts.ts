import { statfs } from 'node:fs/promises'
import { bytePath, shownName } from '../../words/host-name.ts'
import { tsv } from '../tar/tsv.ts'
import type { HostReads } from './host-reads.ts'

/** A line of /proc/PID/mountinfo: proc_pid_mountinfo(5). */
export interface Mount {
  readonly id: number
  readonly device: string
  readonly path: string
  readonly type: string
  readonly source: string
  /** Of the file system, not of the mount: tells whether an error made it read-only. */
  readonly options: string
}

/** A mount, and what statfs says of it in bytes and inodes, or why it was not asked. */
export interface FileSystem extends Mount {
  readonly size?: number
  readonly available?: number
  readonly used?: number
  readonly inodes?: number
  readonly inodesUsed?: number
  readonly note?: string
}

/** File systems whose statfs is answered from memory by this kernel. Network, FUSE and autofs may wait for ever. */
const LOCAL = new Set(
  'ext2 ext3 ext4 xfs btrfs bcachefs f2fs zfs vfat exfat tmpfs ramfs devtmpfs squashfs erofs iso9660'.split(' '),
)
/** File systems without storage: no row in mounts.tsv. */
const VIRTUAL = new Set(
  (
    'proc sysfs cgroup cgroup2 devpts mqueue hugetlbfs debugfs tracefs securityfs pstore bpf configfs fusectl ' +
    'binfmt_misc efivarfs nsfs rpc_pipefs selinuxfs'
  ).split(' '),
)

/** The mounts of a mountinfo file, its text with a character for each byte, as names are kept. */
export function parseMounts(mountinfo: string): readonly Mount[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [own, ofSuper] = line.split(' - ', 2)
    const [id, , device, , path] = own?.split(' ') ?? []
    const [type, source, options] = ofSuper?.split(' ') ?? []
    if (device === undefined || path === undefined || type === undefined) return []
    return [
      { id: Number(id), device, path: unescaped(path), type, source: unescaped(source ?? ''), options: options ?? '' },
    ]
  })
}

/** The mounts whose files can be asked about without waiting for another machine or for a user process. */
export function safeMounts(mounts: readonly Mount[]): ReadonlySet<Mount> {
  // The way to a mount leads through every one above it, and an automount at the same place may still trigger.
  const hazards = mounts.filter((mount) => !isLocal(mount) && !VIRTUAL.has(mount.type))
  return new Set(mounts.filter(({ path }) => !hazards.some((hazard) => isWithin(path, hazard.path))))
}

/**
 * The mounts that nobody enters who was not told to: what lies there is another machine's or a user process's, who may never answer, or the
 * kernel's own.
 */
export function foreignMounts(mounts: readonly Mount[]): readonly Mount[] {
  return mounts.filter((mount) => !isLocal(mount))
}

/** File systems with storage, each once, asked where that is safe. */
export async function readFileSystems(reads: HostReads, mounts: readonly Mount[]): Promise<readonly FileSystem[]> {
  // What is mounted last at a place is what one finds there.
  const visible = new Map(mounts.map((mount) => [mount.path, mount]))
  const seen = new Set<string>()
  const safe = safeMounts(mounts)
  const systems: FileSystem[] = []
  for (const mount of visible.values()) {
    if (VIRTUAL.has(mount.type) || mount.type === 'autofs' || seen.has(mount.device)) continue
    seen.add(mount.device)
    const system = safe.has(mount) ? await asked(reads, mount) : { ...mount, note: 'not asked: it might hang' }
    systems.push({ ...system, path: shownName(mount.path), source: shownName(mount.source) })
  }
  return systems
}

/** mounts.tsv */
export function mountTable(systems: readonly FileSystem[]): string {
  return tsv(
    ['path', 'type', 'source', 'size', 'used', 'available', 'inodes', 'inodes_used', 'options', 'note'],
    systems.map((s) => [
      s.path,
      s.type,
      s.source,
      s.size,
      s.used,
      s.available,
      s.inodes,
      s.inodesUsed,
      s.options,
      s.note,
    ]),
  )
}

async function asked(reads: HostReads, mount: Mount): Promise<FileSystem> {
  const stat = await reads.ask(`statfs${mount.path}`, () => statfs(bytePath(reads.root, mount.path)))
  if (stat === undefined) return { ...mount, note: 'no answer' }
  return {
    ...mount,
    size: stat.blocks * stat.bsize,
    available: stat.bavail * stat.bsize,
    used: (stat.blocks - stat.bfree) * stat.bsize,
    inodes: stat.files,
    inodesUsed: stat.files - stat.ffree,
  }
}

/** An overlay asks its upper layer, which is local (it needs whiteouts); without one it asks the lowest, which may not be. */
function isLocal(mount: Mount): boolean {
  return LOCAL.has(mount.type) || (mount.type === 'overlay' && /(?:^|,)upperdir=/.test(mount.options))
}

function isWithin(path: string, above: string): boolean {
  return path === above || above === '/' || path.startsWith(`${above}/`)
}

/** Blanks, tabs, line ends and backslashes stand as three octal digits. */
function unescaped(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)))
}
