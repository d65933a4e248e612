import { COREDUMP } from '../../findings/journal-words.ts'
import { membershipOf } from '../../words/membership.ts'
import { isPlain, plainPath } from '../../words/plain.ts'
import { coredumpEntries, type Entry } from '../host/journal/entries.ts'
import { byLastEntry } from '../host/journal/header.ts'
import { isHosts, openJournal, scanJournals } from '../host/journal/scan.ts'

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

/** An entry costs some 40 small reads, a millisecond; more crashes than this are one crash, over and over. */
const MOST_ENTRIES = 32
/** Newest files that are looked into, the host's own before its users'. The others' crashes go without a unit. */
const MOST_FILES = 8
/**
 * Crashes that systemd-coredump logged into the newest journal files, by the core's path on the host. Never throws: it gives what it
 * finds in time.
 */
export async function crashEntries(root: string, signal: AbortSignal): Promise<ReadonlyMap<string, CrashEntry>> {
  const crashes = new Map<string, CrashEntry>()
  const { files } = await scanJournals(root, signal).catch(() => ({ files: [] }))
  const newestFirst = byLastEntry(Date.now())
  const newest = files
    .toSorted((a, b) => Number(isHosts(b)) - Number(isHosts(a)) || newestFirst(a, b))
    .slice(0, MOST_FILES)
  for (const { path } of newest) {
    try {
      using handle = (await openJournal(root, path, signal)).handle
      for await (const entry of coredumpEntries(handle, COREDUMP, CRASH_FIELDS, MOST_ENTRIES, signal)) {
        const core = entry.fields.get('COREDUMP_FILENAME')
        if (core !== undefined && !crashes.has(core)) crashes.set(core, crashOf(entry.fields))
      }
    } catch {
      // Damaged, or out of time: cores are captured without their units' names.
    }
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
