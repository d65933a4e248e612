import { isPlain } from '../words/plain.ts'
import type { Panic } from './death.ts'
import type { KernelMessage } from './kernel-words.ts'

/** What a kernel has left of its log: pstore's records, or what kdump has read out of its memory. */
export interface LeftLog {
  /** The artifact that it is. */
  readonly artifact: string
  /** When it was written, in ms since the epoch. */
  readonly at?: number | undefined
  readonly text: string
}

/**
 * A line of it: `<level>` where pstore has it, which is 8 and more where a program wrote the line through /dev/kmsg (kernel/printk/printk.c,
 * record_print_text()), seconds since boot, maybe who wrote it (CONFIG_PRINTK_CALLER), and what it says.
 */
const LINE = /^(?:<(\d+)>)?\[\s*(\d+\.\d+)\](?:\[\s*[TC]\d+\])? (.*)$/
const FACILITY = 8
/** kernel/panic.c, panic(); said last, and of several processors once. */
const PANIC = /^Kernel panic - not syncing: (.*)$/
/** lib/dump_stack.c, dump_stack_print_info(). Users choose the name. */
const RUNNING = /^CPU: \d+ (?:UID: \d+ )?PID: (\d+) Comm: (.{0,15}) (?:Kdump: loaded |Not tainted|Tainted: )/

/** What panic() is called with, and what that means in our own words: no text of the host is told. */
const CAUSES: readonly (readonly [RegExp, string])[] = [
  [/^sysrq triggered crash/, 'as it was told to by sysrq'],
  [/^Fatal exception/, 'after a fault in its own code'],
  [/^Attempted to kill init!/, 'because process 1 had ended'],
  [/^Out of memory|^System is deadlocked on memory/, 'for want of memory'],
  [/^hung_task: blocked tasks/, 'because tasks were blocked for too long'],
  [/^softlockup: hung tasks|^Hard LOCKUP|^RCU Stall|^NMI: Not continuing|^nmi watchdog/i, 'because a processor hung'],
  [/^VFS: Unable to mount root fs|^No working init found/, 'because there was no system to start'],
  [/machine check/i, 'because the hardware reported an error'],
  [/^stack-protector:|^corrupted (?:shadow )?stack/i, 'because its stack was damaged'],
]

/** The panics that these logs tell of, each once, the newest first. */
export function panicsIn(logs: readonly LeftLog[]): readonly Panic[] {
  const told = logs.flatMap((log) => panicIn(log) ?? [])
  const panics = Map.groupBy(told, ({ seconds }) => seconds)
  return [...panics.values()]
    .map((same): Panic => {
      const { seconds: _, ...fullest } = same.find(({ subject }) => subject.pid !== undefined) ?? (same[0] as Told)
      return { ...fullest, evidence: same.flatMap(({ evidence }) => evidence) }
    })
    .toSorted((a, b) => (b.at ?? 0) - (a.at ?? 0))
}

/** `seconds` since its boot, as the log has them: two logs of one panic have the same. */
type Told = Panic & { readonly seconds: string }

/** The kernel's own messages in a log that it has left, the oldest first, by the time of the last (ms since the epoch). */
export function messagesIn({ text }: LeftLog, ended: number): readonly KernelMessage[] {
  const lines = linesIn(text)
  const last = Number(lines.at(-1)?.seconds ?? 0)
  return lines.map(({ seconds, said }) => ({ at: ended - (last - Number(seconds)) * 1000, text: said }))
}

const linesIn = (text: string) =>
  text.split('\n').flatMap((line) => {
    const [, level = '0', seconds, said] = LINE.exec(line) ?? []
    return seconds === undefined || said === undefined || Number(level) >= FACILITY ? [] : [{ seconds, said }]
  })

function panicIn({ artifact, at, text }: LeftLog): Told | undefined {
  const lines = linesIn(text)
  const panic = lines.find(({ said }) => PANIC.test(said))
  if (panic === undefined) return undefined
  const why = PANIC.exec(panic.said)?.[1] ?? ''
  // What it stood in is told right after it; a fault before it has told of itself.
  const after = lines.slice(lines.indexOf(panic))
  const running = [...after, ...lines].map(({ said }) => RUNNING.exec(said)).find((match) => match !== null)
  const [, pid, comm = ''] = running ?? []
  const cause = CAUSES.find(([words]) => words.test(why))?.[1]
  return {
    seconds: panic.seconds,
    ...(cause !== undefined && { cause }),
    subject: {
      ...(comm !== '' && isPlain(comm) && { comm }),
      ...(pid !== undefined && Number(pid) > 0 && { pid: Number(pid) }),
    },
    ...(at !== undefined && { at }),
    evidence: [{ artifact }],
  }
}
