import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { abandonable } from '../../words/deadline.ts'
import { numberOf } from '../host/process-files.ts'
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

/** Addresses from `start` up to, but not including, `end`. All are below 2^53: user space ends at 2^47, or 2^52 on arm64. */
export interface Range {
  readonly start: number
  readonly end: number
}

export const processPath = ({ root, pid }: Target, ...rest: readonly string[]) =>
  join(root, 'proc', String(pid), ...rest)

/** Reads them, or says why the process is not to be touched. Takes none of its locks, so it does not hang with it. */
export async function readFacts(target: Target, signal: AbortSignal): Promise<ProcessFacts> {
  checkStart(target)
  const stat = parseStat(readFileSync(processPath(target, 'stat'), 'latin1'))
  const status = (await abandonable(readFile(processPath(target, 'status')), signal)).toString()
  const id = (name: string) => numberOf(status, name) ?? 0
  return { pid: target.pid, ...stat, uid: id('Uid'), gid: id('Gid'), tracer: id('TracerPid') }
}

/** Throws where the process is not, or no longer, the one that was meant. */
export function checkStart(target: Target): void {
  let text: string
  try {
    text = readFileSync(processPath(target, 'stat'), 'utf8')
  } catch {
    throw new Untouchable('it has ended')
  }
  if (Number(fieldsOf(text)[19]) !== target.start) {
    throw new Untouchable('it has ended, and another process has its pid')
  }
}

function parseStat(text: string): Omit<ProcessFacts, 'pid' | 'uid' | 'gid' | 'tracer'> {
  const fields = fieldsOf(text)
  const number = (at: number) => Number(fields[at] ?? 0)
  const [ppid, pgrp, session, nice] = [number(1), number(2), number(3), number(16)]
  return {
    comm: text.slice(text.indexOf('(') + 1, text.lastIndexOf(')')),
    state: fields[0] ?? '?',
    ...{ ppid, pgrp, session, nice },
    argv: { start: number(45), end: number(46) },
    environment: { start: number(47), end: number(48) },
  }
}

/** From the third field on; the second, the name, may hold anything, a parenthesis and spaces too. */
export const fieldsOf = (stat: string): string[] => stat.slice(stat.lastIndexOf(')') + 2).split(' ')
