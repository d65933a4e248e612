import { plainName } from '../../words/plain.ts'
import type { Entry } from '../host/journal/entries.ts'
import { CRASH_FIELDS, type CrashEntry, crashOf } from './crash-entries.ts'
import { newestCoredumps } from './newest-coredumps.ts'

/** Of a message with all threads of a process: systemd-coredump stops at 64 KiB of a field, with a stack trace of 1,024 frames in all. */
const MESSAGE_BYTES = 256 * 1024

/** What is asked of an entry. */
const FIELDS = [...CRASH_FIELDS, 'COREDUMP_PID', 'COREDUMP_COMM', 'MESSAGE']

/** What systemd-coredump says before the frames of each thread. */
const TRACE = /^Stack trace of thread \d+:/m

/** What was logged of a crash, with its stack trace where that was logged. */
export interface LoggedCrash extends Omit<CrashEntry, 'truncated'> {
  /** Path of its core on the host, where one was stored. */
  readonly core?: string
  readonly pid?: number
  readonly comm?: string
  /** ms since the epoch, by the clock of then */
  readonly at: number
  /** The boot in which it was logged, 32 hex digits. */
  readonly bootId: string
  readonly trace?: string
}

/** What systemd-coredump logged of crashes, the newest of each file first. Never throws: it gives what it finds in time. */
export async function loggedCrashes(root: string, signal: AbortSignal): Promise<readonly LoggedCrash[]> {
  const crashes: LoggedCrash[] = []
  for await (const entry of newestCoredumps(root, FIELDS, signal, MESSAGE_BYTES)) crashes.push(loggedCrash(entry))
  return crashes
}

function loggedCrash({ fields: said, at, bootId }: Entry): LoggedCrash {
  const [core, message, name] = ['COREDUMP_FILENAME', 'MESSAGE', 'COREDUMP_COMM'].map((field) => said.get(field))
  const from = message === undefined ? undefined : TRACE.exec(message)?.index
  const pid = Number(said.get('COREDUMP_PID'))
  const { truncated: _, ...entry } = crashOf(said)
  return {
    ...entry,
    ...{ at, bootId },
    ...(core !== undefined && { core }),
    ...(Number.isSafeInteger(pid) && pid > 0 && { pid }),
    ...(name !== undefined && { comm: plainName(name) }),
    ...(from !== undefined && { trace: message?.slice(from) }),
  } as LoggedCrash
}
