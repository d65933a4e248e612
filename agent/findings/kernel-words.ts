import { isPlain } from '../words/plain.ts'
import type { Death } from './death.ts'
import { placeOf } from './place-of.ts'

/** A message of the kernel itself. */
export interface KernelMessage {
  /** ms since the epoch */
  readonly at: number
  readonly text: string
}

/**
 * Names of processes (15 bytes) and cgroups stand in these messages, and users choose them. So each form is held against the whole of what
 * the kernel writes around them, from the message's beginning.
 */
const NAME = '(.{0,15})'

interface Form {
  readonly line: RegExp
  readonly signal?: number | undefined
}

/** Signals by what the processor's exceptions become: arch/x86/kernel/traps.c. */
const TRAPS: readonly (readonly [string, number])[] = [
  ['invalid opcode', 4],
  ['int3', 5],
  ['divide error', 8],
  ['alignment check', 7],
  ['stack segment', 7],
]

/** What the kernel says of a process that it ends by a signal for what it has done. */
const CRASHES: readonly Form[] = [
  // arch/x86/mm/fault.c, show_signal_msg()
  { line: new RegExp(`^${NAME}\\[(\\d+)\\]: segfault at [0-9a-f]+ ip `), signal: 11 },
  // arch/x86/kernel/traps.c, show_signal()
  { line: new RegExp(`^traps: ${NAME}\\[(\\d+)\\] general protection( fault)? ip:`), signal: 11 },
  ...TRAPS.map(([trap, signal]) => ({ line: new RegExp(`^traps: ${NAME}\\[(\\d+)\\] trap ${trap} ip:`), signal })),
  { line: new RegExp(`^traps: ${NAME}\\[(\\d+)\\] trap [a-z ]+ ip:`) },
  // arch/arm64/kernel/traps.c, arm64_show_signal()
  { line: new RegExp(`^${NAME}\\[(\\d+)\\]: unhandled (?:exception: |level \\d |\\w+ fault)`) },
]

/** fs/coredump.c: what was said of a dump that was not made (`coredump: PID(comm): …`, since 6.12; before it, `Pid PID(comm) …`). */
const NOT_DUMPED = /^(?:coredump: |Pid )(\d+)\((.{0,15})\):? (?!.*dump helper)/
/** mm/oom_kill.c, __oom_kill_process() */
const KILLED = /^(Memory cgroup out of memory|Out of memory[^:]{0,40}): Kill(?:ed)? process (\d+) \((.{0,15})\)[, ]/
/** mm/oom_kill.c, dump_oom_summary(): the line before it, which names the group. Since Linux 5.0. */
const KILLED_IN = /^oom-kill:constraint=.*,task_memcg=(.*),task=(.{0,15}),pid=(\d+),uid=(\d+)$/

/** Where these messages stand in a bundle. */
const EVIDENCE = [{ artifact: 'facts.tar.zst', entry: 'kernel-log.txt' }] as const

/** The deaths that the kernel's messages of this boot tell of. */
export function kernelDeaths(messages: readonly KernelMessage[]): readonly Death[] {
  const groups = new Map<number, Death['subject']>()
  const deaths: Death[] = []
  for (const { at, text } of messages) {
    const told = { witness: 'kernel', boot: 'this', at, evidence: EVIDENCE } as const
    const [, cgroup, , victim, uid] = KILLED_IN.exec(text) ?? []
    if (cgroup !== undefined) {
      groups.set(Number(victim), { uid: Number(uid), ...placeOf(cgroup) })
      continue
    }
    const [, whose, pid, name] = KILLED.exec(text) ?? []
    if (pid !== undefined) {
      const subject = { pid: Number(pid), ...named(name), ...groups.get(Number(pid)) }
      deaths.push({ ...told, kind: 'oom', subject, scope: whose?.startsWith('Memory cgroup') ? 'group' : 'host' })
      continue
    }
    const crash = crashOf(text)
    if (crash !== undefined) deaths.push({ ...told, kind: 'crash', ...crash })
  }
  return deaths
}

function crashOf(text: string): Pick<Death, 'subject' | 'tid' | 'signal'> | undefined {
  for (const { line, signal } of CRASHES) {
    const [, name, tid] = line.exec(text) ?? []
    if (tid !== undefined) return { subject: named(name), tid: Number(tid), ...(signal !== undefined && { signal }) }
  }
  const [, pid, name] = NOT_DUMPED.exec(text) ?? []
  return pid === undefined ? undefined : { subject: { pid: Number(pid), ...named(name) } }
}

const named = (name: string | undefined) => (name !== undefined && name !== '' && isPlain(name) ? { comm: name } : {})
