import type { ItemIdentity } from '../../../words/evidence.ts'
import type { FileId } from '../../host/open-file.ts'

/** A file whose code a captured process runs. */
export interface Program {
  /** As the process names it. */
  readonly path: string
  /** Where we reach it: its path below our root, or the kernel's link to what a process has mapped. */
  readonly reach: string
  /** Whether it can be read when the process is gone: it lies on the host under its own name. */
  readonly stays: boolean
  /** The file tree in which `path` is: our root, or that of a process. */
  readonly tree: string
  readonly file: FileId
  readonly bytes: number
  /** Whether it is the process's program, and no library of it. */
  readonly isMain: boolean
  /** Whose it is. */
  readonly of: Pick<ItemIdentity, 'pid' | 'comm' | 'unit' | 'container'>
}
