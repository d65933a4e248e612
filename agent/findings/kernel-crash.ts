import type { Death } from './death.ts'
import { NAME, named } from './kernel-names.ts'

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
/** The crash that a message of the kernel tells of; undefined for all others. */
export function crashOf(text: string): Pick<Death, 'subject' | 'tid' | 'signal'> | undefined {
  for (const { line, signal } of CRASHES) {
    const [, name, tid] = line.exec(text) ?? []
    if (tid !== undefined) return { subject: named(name), tid: Number(tid), ...(signal !== undefined && { signal }) }
  }
  const [, pid, name] = NOT_DUMPED.exec(text) ?? []
  return pid === undefined ? undefined : { subject: { pid: Number(pid), ...named(name) } }
}
