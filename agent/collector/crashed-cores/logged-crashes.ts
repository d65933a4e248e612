import { COREDUMP } from '../../findings/journal-words.ts'
import { coredumpEntries } from '../host/journal/entries.ts'
import { byLastEntry } from '../host/journal/header.ts'
import { isHosts, openJournal, scanJournals } from '../host/journal/scan.ts'
import { CRASH_FIELDS, type CrashEntry, crashOf } from './crash-entries.ts'

/** Newest files that are looked into, and entries of one, newest first: as for what crashes are called (crash-entries.ts). */
const MOST_FILES = 8
const MOST_ENTRIES = 32
/** Of a message with all threads of a process: systemd-coredump stops at 64 KiB of a field, with a stack trace of 1,024 frames in all. */
const MESSAGE_BYTES = 256 * 1024

/** What systemd-coredump says before the frames of each thread. */
const TRACE = /^Stack trace of thread \d+:/m

/** What was logged of a crash, with its stack trace where that was logged. */
export interface LoggedCrash extends Omit<CrashEntry, 'truncated'> {
  readonly trace?: string
}

/** What systemd-coredump logged of these cores, by the core's path on the host. Never throws: it gives what it finds in time. */
export async function loggedCrashes(
  root: string,
  cores: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, LoggedCrash>> {
  const crashes = new Map<string, LoggedCrash>()
  if (cores.size === 0) return crashes
  const { files } = await scanJournals(root, signal).catch(() => ({ files: [] }))
  const newestFirst = byLastEntry(Date.now())
  const newest = files
    .toSorted((a, b) => Number(isHosts(b)) - Number(isHosts(a)) || newestFirst(a, b))
    .slice(0, MOST_FILES)
  const fields = [...CRASH_FIELDS, 'MESSAGE']
  for (const { path } of newest) {
    if (crashes.size === cores.size) break
    try {
      using handle = (await openJournal(root, path, signal)).handle
      for await (const { fields: said } of coredumpEntries(
        handle,
        COREDUMP,
        fields,
        MOST_ENTRIES,
        signal,
        MESSAGE_BYTES,
      )) {
        const [core, message] = [said.get('COREDUMP_FILENAME'), said.get('MESSAGE')]
        if (core === undefined || !cores.has(core) || crashes.has(core)) continue
        const at = message === undefined ? undefined : TRACE.exec(message)?.index
        const { truncated: _, ...entry } = crashOf(said)
        crashes.set(core, { ...entry, ...(at !== undefined && { trace: message?.slice(at) }) } as LoggedCrash)
      }
    } catch {
      // Damaged, or out of time: then the core itself tells.
    }
  }
  return crashes
}
