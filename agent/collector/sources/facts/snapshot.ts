import type { FileSystem } from '../../host/mounts.ts'
import type { Process } from '../../host/processes.ts'
import type { History } from '../../recorder/history.ts'
import type { Cgroup } from './cgroups.ts'

/** What the summary is made from: everything taken before it, parsed. */
export interface Snapshot {
  /** When it was taken: ms since the epoch. */
  readonly at: number
  /** Content of the files always taken, by path; masked where they are. */
  readonly files: ReadonlyMap<string, string>
  readonly kernelLog: readonly string[]
  readonly processes: readonly Process[]
  readonly cgroups: readonly Cgroup[]
  readonly fileSystems: readonly FileSystem[]
  readonly history: History | undefined
  /** Lines that errors.txt has so far. */
  readonly troubles: number
}

/** A file of the snapshot without the line end, if it was read. */
export function textOf(snapshot: Snapshot, path: string): string | undefined {
  return snapshot.files.get(path)?.trimEnd()
}
