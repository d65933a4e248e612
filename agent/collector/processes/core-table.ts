import { isoTime } from '../../words/instant.ts'
import type { Executable } from '../elf/executable.ts'
import { tsv } from '../tar/tsv.ts'
import { type HostProcess, startedAt } from './host-process.ts'

/** What became of one process's core. */
export interface CoreRow {
  readonly process: HostProcess
  /** Its entry; undefined where there is none. */
  readonly entry: string | undefined
  readonly executable: Executable
  readonly threads: number
  /** Whether there is none because we write none of its kind. */
  readonly unsupported: boolean
  /** Threads that are not in the core because there are too many. */
  readonly beyond: number
  /** ms that it stood still. */
  readonly freezeMs: number
  /** What is missing of it, one sentence each. */
  readonly missed: readonly string[]
}

/**
 * cores.tsv, one line a process; STACKS.md says what the columns mean. `booted`: when the host did, in ms since the epoch; 0 where
 * that is not known.
 */
export function coreTable(rows: readonly CoreRow[], booted: number): string {
  const columns = [
    'core',
    'pid',
    'unit',
    'container',
    'comm',
    'exe',
    'build_id',
    'package',
    'started',
    'threads',
    'freeze_ms',
    'missed',
  ]
  return tsv(
    columns,
    rows.map(({ process, entry, executable, threads, freezeMs, missed }) => [
      ...[entry, process.pid, process.unit, process.container, process.comm, process.exe],
      ...[executable.buildId, executable.package],
      isoTime(startedAt(process, booted)),
      ...[threads, freezeMs.toFixed(1), missed.join('; ')],
    ]),
  )
}

/** Longest part of an entry's name that comes from a unit; with the rest it stays below what a file's name may have. */
const NAME = 150

/** `shop.service/shop.300.core`: by unit, else by cgroup. Fit for a file's name anywhere. */
export function coreEntry({ unit, cgroup, comm, pid }: HostProcess): string {
  const group = unit ?? (cgroup.split('/').findLast((part) => part !== '') || 'no-unit')
  return `${safeName(group)}/${safeName(comm)}.${pid}.core`
}

/** A name of the host's as one of ours: letters, digits and `.@_:-`, not hidden, not too long. */
export function safeName(name: string): string {
  return (
    name
      .replace(/[^\w.@:-]/g, '_')
      .replace(/^[.-]/, '_')
      .slice(0, NAME) || '_'
  )
}
