import { isUtf8 } from 'node:buffer'
import type { Stats } from 'node:fs'
import type { ItemIdentity } from '../../words/evidence.ts'
import { toldBytes } from '../../words/host-name.ts'
import { markOf } from '../host/mark.ts'
import type { FileId } from '../host/open-file.ts'

/** A core, kernel dump or crash report that lies on the host. */
export interface CoreFile {
  /** Different for each file: its path, unless that is no text. */
  readonly id: string
  /** Absolute path on the host, as it is told. */
  readonly path: string
  /** The same as it is on disk: bytes, which need not be UTF-8. */
  readonly raw: Buffer
  /** The directory that was looked into. */
  readonly directory: string
  /** The file that was seen there, and the only one that is read. */
  readonly file: FileId
  /** `systemd`: complete as soon as it has this name. `plain`: written by the kernel itself, in place. */
  readonly kind: 'systemd' | 'plain' | 'report' | 'vmcore' | 'dmesg'
  /** What it is called in the bundle, without suffix: `app.4711.core`. */
  readonly label: string
  /** `.zst`, … when it is compressed already, else empty. */
  readonly suffix: string
  readonly bytes: number
  /** Bytes that lie on disk: fewer when it has holes. */
  readonly allocated: number
  /** ms since the epoch, never later than when it was looked at. */
  readonly at: number
  /** The same by the file's own word, whatever the clock says now. */
  readonly changed: number
  /** It lies in memory, so this boot has written it. */
  readonly isVolatile: boolean
  /** Who is behind it: whose process crashed, as far as the host says so, else whose file it is. */
  readonly owner: number
  /** Somebody else than the host may have written it: no more is known of it than whose it is. */
  readonly claimed: boolean
  readonly identity: ItemIdentity
}

/** What names a file, by its directory and its name on disk. */
export function named(directory: Buffer, name: Buffer): Pick<CoreFile, 'id' | 'path' | 'raw'> {
  const raw = Buffer.concat([directory, Buffer.from(directory.length === 1 ? '' : '/'), name])
  const path = toldBytes(raw)
  return { id: isUtf8(raw) ? path : `bytes ${raw.toString('latin1')}`, path, raw }
}

/** Where a file of the host lies below `root`. */
export const below = (root: string, raw: Buffer): Buffer => Buffer.concat([Buffer.from(root), raw])

/** What `st_blocks` counts in: inode(7). */
export const BLOCK_BYTES = 512

/** What stat tells of a core, whatever its kind. Whoever owns a file sets its time as he likes: what is to come is now. */
export const seen = (
  { dev, ino, size, blocks, mtimeMs }: Stats,
  now: number,
): Pick<CoreFile, 'file' | 'bytes' | 'allocated' | 'at' | 'changed'> => ({
  file: { dev, ino },
  bytes: size,
  allocated: blocks * BLOCK_BYTES,
  at: Math.min(Math.round(mtimeMs), now),
  changed: mtimeMs,
})

/** What a core takes of a limit: what lies on disk, for holes cost nothing. */
export const charge = ({ bytes, allocated }: Pick<CoreFile, 'bytes' | 'allocated'>): number =>
  Math.min(bytes, allocated)

/** A file does not tell the unit; its user does nearly as well: system users, and those of DynamicUser= (systemd's UIDS-GIDS.md). */
export function isServiceUser(uid: number): boolean {
  return uid < 1000 || (uid >= 61184 && uid <= 65519)
}

/** What tells it from boot to boot. */
export function markOfCore({ raw, file: { ino }, bytes, changed }: CoreFile): string {
  return markOf({ path: raw, ino, bytes, changed })
}
