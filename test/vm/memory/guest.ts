import type { GuestFile } from '../../../scripts/vm/disk.ts'
import type { Machine } from '../../../scripts/vm/machine.ts'
import { wanted } from '../applications.ts'

/** What a guest says of itself: of the moments before and after a snapshot, only what was there both times. */
export interface Guest {
  readonly threads: readonly Thread[]
  /** Mount point and type, as in proc(5). */
  readonly mounts: readonly string[]
  readonly modules: readonly string[]
}

export interface Thread {
  readonly pid: number
  readonly comm: string
  /** Names of functions, innermost first, by /proc/PID/stack; of threads that sleep for good only. */
  readonly stack: readonly string[]
  /** How often it has had a processor, by /proc/PID/schedstat; of a moment before and after: whether it has slept all the while. */
  readonly turns: string | undefined
  readonly asleep: boolean
}

/** A process that only sleeps: a stack that everybody must be able to print. */
export const SLEEPER = 'sleep'
/** Threads whose stacks are compared: they sleep before, while and after a snapshot is taken. */
const SLEEP_FOR_GOOD = [SLEEPER, 'kdevtmpfs', 'kauditd']

/** Letters of a thread's name in its task_struct: TASK_COMM_LEN, less its end. proc(5) knows longer ones. */
const COMM = 15
/** At its shutdown, those who are at work: our own threads, by Node's names for them, and process 1. */
const SHUTTING_DOWN = /^(node-|DelayedTaskSche|SignalInspector|channel$|systemd$)/
/** Threads that end when there is nothing to do for them. */
const COME_AND_GO = /^(kworker\/|\(udev-worker\)|libuv-worker)/

/**
 * Something that goes on while a snapshot is taken: memory and files fill and empty. By one process that lives on: crash opens no file
 * in which the task that a CPU was at has come or gone since ("active task not found in PID hash").
 */
const CHURN = `[Service]
ExecStart=/bin/bash -c 'while :; do printf -v text "%%4000000s" x; echo "$text" > /dev/shm/churn; echo "$text" > /var/tmp/churn; : > /dev/shm/churn; done'
Nice=19
`
/** Pages of anonymous memory and of tmpfs, for what is not the kernel's to be left out of a snapshot. */
const HOARD = `[Service]
ExecStart=/bin/bash -c 'head -c 64M /dev/urandom > /dev/shm/hoard; exec sleep infinity'
`

/** Units of a machine with something to do. */
export function load(): Record<string, GuestFile> {
  return { ...unit('churn', CHURN), ...unit('hoard', HOARD) }
}

function unit(name: string, content: string): Record<string, GuestFile> {
  return { [`/etc/systemd/system/${name}.service`]: { content }, ...wanted(`${name}.service`) }
}

/** Asks a guest about itself. */
export async function askGuest(machine: Machine, signal: AbortSignal): Promise<Guest> {
  const stats = await machine.ok('cat /proc/[0-9]*/task/[0-9]*/stat 2>/dev/null; true', signal)
  const schedule = await machine.ok('grep -H . /proc/[0-9]*/task/[0-9]*/schedstat 2>/dev/null; true', signal)
  const turns = new Map(
    [...schedule.matchAll(/\/task\/(\d+)\/schedstat:\d+ \d+ (\d+)$/gm)].map(([, pid, n]) => [Number(pid), n]),
  )
  const threads = [...stats.matchAll(/^(\d+) \((.*)\) /gm)]
    .map(([, pid, comm = '']) => ({ pid: Number(pid), comm: comm.slice(0, COMM) }))
    .filter(({ comm }) => !COME_AND_GO.test(comm))
  const asleep = threads.filter(({ comm }) => SLEEP_FOR_GOOD.includes(comm))
  const stacks = new Map<number, string[]>()
  for (const { pid } of asleep) {
    const printed = await machine.ok(`cat /proc/${pid}/stack`, signal)
    stacks.set(
      pid,
      [...printed.matchAll(/\] (\w+)\+/g)].map(([, name]) => name ?? ''),
    )
  }
  const mounts = await machine.ok('cat /proc/1/mounts', signal)
  const modules = await machine.ok('cat /proc/modules', signal)
  return {
    threads: threads.map((thread) => {
      return { ...thread, stack: stacks.get(thread.pid) ?? [], turns: turns.get(thread.pid), asleep: false }
    }),
    mounts: lines(mounts).map((line) => line.split(' ').slice(1, 3).join(' ')),
    modules: lines(modules).map((line) => line.split(' ')[0] ?? ''),
  }
}

/** What was there both times. */
export function lasting(before: Guest, after: Guest): Guest {
  const later = new Map(after.threads.map(({ pid, comm, turns }) => [`${pid} ${comm}`, turns]))
  return {
    threads: before.threads
      .filter(({ pid, comm }) => later.has(`${pid} ${comm}`))
      .map((thread) => {
        const { pid, comm, turns } = thread
        return { ...thread, asleep: turns !== undefined && turns === later.get(`${pid} ${comm}`) }
      }),
    mounts: before.mounts.filter((each) => after.mounts.includes(each)),
    modules: before.modules.filter((each) => after.modules.includes(each)),
  }
}

/** Without those that shut it down; whoever slept before may be woken by the shutdown. */
export function atShutdown(guest: Guest): Guest {
  const others = guest.threads.filter(({ comm }) => !SHUTTING_DOWN.test(comm))
  return { ...guest, threads: others.map((thread) => ({ ...thread, asleep: false })) }
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '')
}
