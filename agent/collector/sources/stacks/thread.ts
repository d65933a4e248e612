import type { HostReads } from '../../host/host-reads.ts'
import { parseStat } from '../../host/process-files.ts'
import { numbered } from '../../host/processes.ts'
import { readNow } from '../../host/read-now.ts'
import { type Machine, systemCallName } from './system-calls.ts'

/** Where a thread is, at one moment. */
export interface Thread {
  readonly pid: number
  readonly tid: number
  readonly comm: string
  readonly state: string
  /** Seconds of CPU so far. */
  readonly cpu: number
  /** Seconds so far that it ran or waited for a CPU; where the kernel does not count them, as `cpu`. */
  readonly wanted: number
  /** When it was looked at: ms on the clock of `performance.now()`. */
  readonly at: number
  /** Kernel function in which it sleeps. */
  readonly wchan?: string
  /** The system call that it is in; none while it runs, or where it may not be asked. */
  readonly call?: SystemCall
  /** Stack and instruction pointer in user space, while it does not run. In hex, as the kernel gives them. */
  readonly sp?: string
  readonly ip?: string
  /** Kernel stack, innermost first. */
  readonly frames: readonly string[]
}

export interface SystemCall {
  readonly name: string
  readonly args: readonly bigint[]
}

/** What of a thread is asked: to compare it with an earlier look, less. */
export type Depth = 'whole' | 'to compare'

/** Kernel frames that are kept: what is below is the same for all. */
const FRAMES = 12

/** The threads of a process that are there, by tid, at most `most` of them; five files each, 0.15 ms. */
export async function readThreads(
  reads: HostReads,
  pid: number,
  { most, depth, kernelStacks, machine }: { most: number; depth: Depth; kernelStacks: boolean; machine: Machine },
): Promise<readonly Thread[]> {
  const threads: Thread[] = []
  for (const tid of numbered(await reads.names(`proc/${pid}/task`, { optional: true })).slice(0, most)) {
    if (reads.signal.aborted) break
    const path = `proc/${pid}/task/${tid}`
    // These take a lock of the thread's, which an execve may hold for good.
    const text = (name: string) => reads.text(`${path}/${name}`, { once: true, optional: true })
    const stat = parseStat(readNow(reads.root, `${path}/stat`) ?? '', 1)
    if (stat === undefined) continue
    const { comm, state, utime, stime } = stat
    const at = performance.now()
    const wanted = parseSchedule(readNow(reads.root, `${path}/schedstat`) ?? '') ?? utime + stime
    const where = parseSystemCall((await text('syscall')) ?? '', machine)
    const wchan = depth === 'whole' ? readNow(reads.root, `${path}/wchan`)?.trim() : undefined
    const stack = depth === 'whole' && kernelStacks ? await text('stack') : undefined
    threads.push({
      ...{ pid, tid, comm, state, cpu: utime + stime, wanted, at, ...where, frames: parseFrames(stack ?? '') },
      ...(wchan !== undefined && wchan !== '' && wchan !== '0' && { wchan }),
    })
  }
  return threads
}

/** Reads /proc/PID/task/TID/syscall: `running`, `-1 SP PC`, or number, six arguments, SP, PC: proc_pid_syscall(5). Nothing of what is none of these. */
export function parseSystemCall(text: string, machine: Machine): Pick<Thread, 'call' | 'sp' | 'ip'> {
  const words = text.trim().split(' ')
  const [number, ...rest] = words
  const [sp, ip] = rest.slice(-2)
  if (number === undefined || sp === undefined || ip === undefined || !/^-?\d+$/.test(number)) return {}
  if (!rest.every((word) => HEX_WORD.test(word))) return {}
  if (rest.length !== 8) return { sp, ip }
  return { call: { name: systemCallName(machine, Number(number)), args: rest.slice(0, 6).map(BigInt) }, sp, ip }
}

/** A register, as the kernel writes one. */
const HEX_WORD = /^0x[0-9a-f]{1,16}$/

/** Reads /proc/PID/task/TID/schedstat, nanoseconds on a CPU and waiting for one: Documentation/scheduler/sched-stats.rst. */
export function parseSchedule(text: string): number | undefined {
  const [ran, waited] = text.trim().split(' ').map(Number)
  const seconds = ((ran ?? Number.NaN) + (waited ?? Number.NaN)) / 1e9
  return Number.isFinite(seconds) ? seconds : undefined
}

/** Reads /proc/PID/task/TID/stack: `[<0>] function+0x1e/0xb0` a line: proc_pid_stack(5). */
export function parseFrames(text: string): readonly string[] {
  const lines = text.split('\n').flatMap((line) => /^\[<[0-9a-f]+>\] (\S+.*)$/.exec(line)?.[1] ?? [])
  return lines.slice(0, FRAMES)
}
