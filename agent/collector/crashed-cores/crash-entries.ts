import { membershipOf } from '../../words/membership.ts'
import { isPlain, plainPath } from '../../words/plain.ts'
import type { Entry } from '../host/journal/entries.ts'
import { newestCoredumps } from './newest-coredumps.ts'

/** What systemd-coredump logged of a crash (systemd-coredump(8)): what a core's file itself does not tell. */
export interface CrashEntry {
  readonly unit?: string
  readonly exe?: string
  readonly signal?: number
  /** Id of the container that its cgroup named. */
  readonly container?: string
  /** Of the executable: name and version, as its own note said. */
  readonly package?: string
  /** It stored less than the kernel gave it. */
  readonly truncated: boolean
}

/** What is asked of an entry. */
export const CRASH_FIELDS = [
  ...['FILENAME', 'UNIT', 'USER_UNIT', 'EXE', 'SIGNAL', 'TRUNCATED', 'CGROUP', 'PACKAGE_NAME', 'PACKAGE_VERSION'],
].map((name) => `COREDUMP_${name}`)
/** What a package says of itself goes into a receipt: no more than a name and a version. */
const WORD = /^[\w.+:~@-]{1,80}$/

/**
 * Crashes that systemd-coredump logged into the newest journal files, by the core's path on the host. Never throws: it gives what it
 * finds in time.
 */
export async function crashEntries(root: string, signal: AbortSignal): Promise<ReadonlyMap<string, CrashEntry>> {
  const crashes = new Map<string, CrashEntry>()
  for await (const { fields } of newestCoredumps(root, CRASH_FIELDS, signal)) {
    const core = fields.get('COREDUMP_FILENAME')
    if (core !== undefined && !crashes.has(core)) crashes.set(core, crashOf(fields))
  }
  return crashes
}

/** The same of one entry. */
export function crashOf(entry: Entry['fields']): CrashEntry {
  const unit = entry.get('COREDUMP_UNIT') ?? entry.get('COREDUMP_USER_UNIT')
  const exe = plainPath(entry.get('COREDUMP_EXE'))
  const { container } = membershipOf(entry.get('COREDUMP_CGROUP') ?? '/')
  const [name, version] = ['NAME', 'VERSION'].map((word) => entry.get(`COREDUMP_PACKAGE_${word}`))
  const isNamed = [name, version].every((word) => word !== undefined && WORD.test(word))
  const signal = Number.parseInt(entry.get('COREDUMP_SIGNAL') ?? '', 10)
  return {
    truncated: entry.get('COREDUMP_TRUNCATED') === '1',
    ...(unit !== undefined && isPlain(unit) && { unit }),
    ...(exe !== undefined && { exe }),
    ...(container !== undefined && { container }),
    ...(isNamed && { package: `${name} ${version}` }),
    ...(!Number.isNaN(signal) && { signal }),
  }
}
