import { membershipOf } from '../words/membership.ts'
import { isPlain, plainName, plainPath } from '../words/plain.ts'
import type { Death } from './death.ts'
import type { UnitFailure } from './evidence.ts'

/** An entry of the journal: the fields that were asked for, and what journald itself says of it. */
export interface JournalEntry {
  readonly fields: ReadonlyMap<string, string>
  /** ms since the epoch */
  readonly at: number
  readonly boot: Death['boot']
}

/** Message ids of systemd's sd-messages.h (`journalctl --dump-catalog`): as the fields that find them. */
export const COREDUMP = 'MESSAGE_ID=fc2e22bc6ee647b6b90729ab34a250b1'
export const PROCESS_EXIT = 'MESSAGE_ID=98e322203f7a4ed290d09fe03c09fe15'
export const OUT_OF_MEMORY = 'MESSAGE_ID=fe6faa94e7774663a0da52717891d8ef'
/** What process 1 says of a unit that systemd-oomd has killed: it reads what that has written on the cgroup (unit_log_oomd_kill(), since 248). */
export const OOMD_KILL = 'MESSAGE_ID=d989611b15e44c9dbf31e3c81256e4ed'
export const UNIT_FAILED = 'MESSAGE_ID=d9b373ed55a64feb8242e02dbe79a49c'
export const RESTART_SCHEDULED = 'MESSAGE_ID=5eb03494b6584870a536b337290809b3'

/** Whose word it is, by what journald says of the sender: process 1. */
export const MANAGER = '_PID=1'
/**
 * And systemd-coredump as the kernel starts it, as root (since 254): it tells that a process has crashed before it does anything else. While the host
 * goes down it is all that it tells, for then the service that would store the core is not started any more. It is gone before journald looks
 * at it: all that journald knows of it is its user, which the kernel sends along. Nobody but root can be that.
 */
export const DUMPING = ['SYSLOG_IDENTIFIER=systemd-coredump', '_UID=0']
/** This has no fields of its own: coredump-config and -receive of systemd's src/coredump. */
const TERMINATED = /^Process (\d+) \((.{0,15})\) of user (\d+) terminated abnormally with signal (\d+)\//

/** The fields that the rules below read: systemd-coredump(8), systemd.journal-fields(7). */
export const COREDUMP_FIELDS = ['PID', 'UID', 'COMM', 'EXE', 'UNIT', 'USER_UNIT', 'SIGNAL', 'TIMESTAMP', 'CGROUP'].map(
  (name) => `COREDUMP_${name}`,
)
export const UNIT_FIELDS = ['UNIT', 'EXIT_CODE', 'EXIT_STATUS', 'UNIT_RESULT']

/** Signals that mean a crash where no core was dumped either: those of signal(7) that dump one, but SIGQUIT, by which services are stopped too. */
const FATAL: ReadonlySet<number> = new Set([4, 5, 6, 7, 8, 11, 24, 25, 31])

const EVIDENCE = [{ artifact: 'journal' }] as const

/** What systemd-coredump logged of one process, whether its core was stored or not. */
export function coredumpDeath({ fields, at, boot }: JournalEntry): Death {
  const field = (name: string) => fields.get(`COREDUMP_${name}`)
  const number = (name: string) => {
    const value = Number(field(name) ?? Number.NaN)
    return Number.isSafeInteger(value) && value >= 0 ? value : undefined
  }
  const unit = field('UNIT') ?? field('USER_UNIT')
  const exe = plainPath(field('EXE'))
  const comm = field('COMM')
  const [pid, uid, signal, time] = ['PID', 'UID', 'SIGNAL', 'TIMESTAMP'].map(number)
  const { container } = membershipOf(field('CGROUP') ?? '/')
  return {
    kind: 'crash',
    witness: 'coredump',
    boot,
    subject: {
      ...(unit !== undefined && isPlain(unit) && { unit }),
      ...(exe !== undefined && { exe }),
      ...(comm !== undefined && { comm: plainName(comm) }),
      ...(pid !== undefined && { pid }),
      ...(uid !== undefined && { uid }),
      ...(container !== undefined && { container }),
    },
    ...(signal !== undefined && { signal }),
    // The time of the crash; the entry came when the core had been written, if it is not later for a clock that was set.
    at: time === undefined ? at : Math.min(time / 1000, at),
    evidence: EVIDENCE,
  }
}

/** What systemd-coredump logged of a process whose core it was given; undefined for whatever else it says. */
export function dumpingDeath({ fields, at, boot }: JournalEntry): Death | undefined {
  const [, pid, comm, uid, signal] = TERMINATED.exec(fields.get('MESSAGE') ?? '') ?? []
  if (pid === undefined || comm === undefined) return undefined
  const subject = { comm: plainName(comm), pid: Number(pid), uid: Number(uid) }
  return { kind: 'crash', witness: 'dumping', boot, subject, signal: Number(signal), at, evidence: EVIDENCE }
}

/** What systemd logged of a unit's process that ended: undefined where that was no crash. */
export function exitDeath({ fields, at, boot }: JournalEntry): Death | undefined {
  const code = fields.get('EXIT_CODE')
  const signal = Number(fields.get('EXIT_STATUS') ?? Number.NaN)
  if (!(code === 'dumped' || (code === 'killed' && FATAL.has(signal)))) return undefined
  const told = Number.isSafeInteger(signal) && signal > 0 ? { signal } : {}
  return { kind: 'crash', witness: 'systemd', boot, subject: unitOf(fields), ...told, at, evidence: EVIDENCE }
}

/** What systemd logged of a unit in which the kernel has killed for want of memory; undefined for a slice, of which it tells what happened below it. */
export function outOfMemoryDeath({ fields, at, boot }: JournalEntry): Death | undefined {
  if (fields.get('UNIT')?.endsWith('.slice')) return undefined
  return { kind: 'oom', witness: 'systemd', boot, subject: unitOf(fields), at, evidence: EVIDENCE }
}

/** What systemd logged of a unit that systemd-oomd has killed, all of it. */
export function oomdDeath({ fields, at, boot }: JournalEntry): Death | undefined {
  const subject = unitOf(fields)
  if (subject.unit === undefined) return undefined
  return { kind: 'oom', witness: 'systemd', boot, subject, scope: 'oomd', at, evidence: EVIDENCE }
}

/** What systemd logged of a unit that has failed, or that it starts anew. */
export function unitEvent({ fields, at }: Pick<JournalEntry, 'fields' | 'at'>): UnitFailure | undefined {
  const { unit } = unitOf(fields)
  return unit === undefined ? undefined : { unit, at, result: fields.get('UNIT_RESULT') }
}

function unitOf(fields: JournalEntry['fields']): Death['subject'] {
  const unit = fields.get('UNIT')
  return unit !== undefined && isPlain(unit) ? { unit } : {}
}
