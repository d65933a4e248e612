import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { abandonable } from '../../words/deadline.ts'
import type { Range } from '../host/mappings.ts'
import { numberOf, type StatFields, statFields } from '../host/process-files.ts'
import { type Target, Untouchable } from './target.ts'

/** What the notes of a core say of the process, and where its strings lie: proc_pid_stat(5), proc_pid_status(5). */
export interface ProcessFacts {
  readonly pid: number
  /** A character for each byte: a name may be cut inside a letter. */
  readonly comm: string
  readonly state: string
  readonly ppid: number
  readonly pgrp: number
  readonly session: number
  readonly nice: number
  readonly uid: number
  readonly gid: number
  /** Who traces it; 0: nobody. */
  readonly tracer: number
  /** Of its arguments and of its environment, on the main stack; empty where the kernel does not tell. */
  readonly argv: Range
  readonly environment: Range
}

export const processPath = ({ root, pid }: Target, ...rest: readonly string[]) =>
  join(root, 'proc', String(pid), ...rest)

/** Reads them, or says why the process is not to be touched. Takes none of its locks, so it does not hang with it. */
export async function readFacts(target: Target, signal: AbortSignal): Promise<ProcessFacts> {
  const stat = statOf(target)
  const status = (await abandonable(readFile(processPath(target, 'status')), signal)).toString()
  const id = (name: string) => numberOf(status, name) ?? 0
  const number = (field: number) => stat.field(field) || 0
  return {
    pid: target.pid,
    ...{ comm: stat.comm, state: stat.state },
    ...{ ppid: number(4), pgrp: number(5), session: number(6), nice: number(19) },
    ...{ uid: id('Uid'), gid: id('Gid'), tracer: id('TracerPid') },
    argv: { start: number(48), end: number(49) },
    environment: { start: number(50), end: number(51) },
  }
}

/** Throws where the process is not, or no longer, the one that was meant. */
export function checkStart(target: Target): void {
  statOf(target)
}

function statOf(target: Target): StatFields {
  let text: string
  try {
    text = readFileSync(processPath(target, 'stat'), 'latin1')
  } catch {
    throw new Untouchable('it has ended')
  }
  const stat = statFields(text)
  if (stat?.field(22) !== target.start) throw new Untouchable('it has ended, and another process has its pid')
  return stat
}
