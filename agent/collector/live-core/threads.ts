import { readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { abandonable } from '../../words/deadline.ts'
import { statFields } from '../host/process-files.ts'
import type { Machine } from './machine.ts'
import { processPath } from './process-facts.ts'
import type { Target } from './target.ts'

/** Ids of the threads, the main thread's first; none of a process that has ended. */
export function threadsOf(target: Target): number[] {
  try {
    const tids = readdirSync(processPath(target, 'task')).map(Number)
    return tids.sort((a, b) => Number(b === target.pid) - Number(a === target.pid) || a - b)
  } catch {
    return []
  }
}

/** State of a thread, one letter of proc_pid_stat(5); X for one that has ended. */
export function stateOf(target: Target, tid: number): string {
  try {
    return statFields(readFileSync(processPath(target, 'task', String(tid), 'stat'), 'latin1'))?.state ?? 'X'
  } catch {
    return 'X'
  }
}

/** Where a blocked thread waits, as the kernel tells without stopping it. */
export interface Blocked {
  readonly call: number
  readonly registers: Buffer
}

/**
 * The registers of a blocked thread as far as /proc/PID/task/TID/syscall tells them (proc_pid_syscall(5)): system call,
 * its arguments, stack pointer, program counter. Undefined for a thread that runs, or where it is not to be had.
 */
export async function blockedAt(
  target: Target,
  tid: number,
  machine: Machine,
  signal: AbortSignal,
): Promise<Blocked | undefined> {
  const path = processPath(target, 'task', String(tid), 'syscall')
  const text = await abandonable(readFile(path, 'latin1'), signal).catch(() => '')
  const [call, ...values] = text.trim().split(' ')
  if (call === undefined || !/^-?\d+$/.test(call) || values.length < 2) return undefined
  const [pc = '0x0', sp = '0x0'] = [values.at(-1), values.at(-2)]
  const registers = Buffer.alloc(machine.registers)
  registers.writeBigInt64LE(BigInt(call), machine.call)
  registers.writeBigUInt64LE(BigInt(pc), machine.pc)
  registers.writeBigUInt64LE(BigInt(sp), machine.sp)
  for (const [index, at] of machine.callArguments.entries()) {
    if (values.length === 8) registers.writeBigUInt64LE(BigInt(values[index] ?? 0), at)
  }
  return { call: Number(call), registers }
}
