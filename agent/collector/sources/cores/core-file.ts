import type { Stats } from 'node:fs'
import type { ItemIdentity } from '../../../bundle/evidence.ts'
import type { FileId } from '../../read-file.ts'

/** A core, kernel dump or crash report that lies on the host. */
export interface CoreFile {
  /** Absolute path on the host. */
  readonly path: string
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
  /** ms since the epoch */
  readonly at: number
  readonly identity: ItemIdentity
}

/** What stat tells of a core, whatever its kind. */
export const seen = ({ dev, ino, size, blocks }: Stats): Pick<CoreFile, 'file' | 'bytes' | 'allocated'> => ({
  file: { dev, ino },
  bytes: size,
  allocated: blocks * 512,
})
