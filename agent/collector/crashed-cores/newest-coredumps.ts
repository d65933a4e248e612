import { COREDUMP } from '../../findings/journal-words.ts'
import { coredumpEntries, type Entry } from '../host/journal/entries.ts'
import { byLastEntry } from '../host/journal/header.ts'
import { isHosts, openJournal, scanJournals } from '../host/journal/scan.ts'

/** An entry costs some 40 small reads, a millisecond; more crashes than this are one crash, over and over. */
const MOST_ENTRIES = 32
/** Newest files that are looked into, the host's own before its users'. The others' crashes go without a unit. */
const MOST_FILES = 8

/**
 * What systemd-coredump logged into the newest journal files, the newest of each file first, each with those of `fields` that are no longer than
 * `longest` bytes, or short. Never throws: it gives what it finds in time.
 */
export async function* newestCoredumps(
  root: string,
  fields: readonly string[],
  signal: AbortSignal,
  longest?: number,
): AsyncGenerator<Entry> {
  const { files } = await scanJournals(root, signal).catch(() => ({ files: [] }))
  const newestFirst = byLastEntry(Date.now())
  const newest = files
    .toSorted((a, b) => Number(isHosts(b)) - Number(isHosts(a)) || newestFirst(a, b))
    .slice(0, MOST_FILES)
  for (const { path } of newest) {
    try {
      using handle = (await openJournal(root, path, signal)).handle
      yield* coredumpEntries(handle, COREDUMP, fields, MOST_ENTRIES, signal, longest)
    } catch {
      // Damaged, or out of time: then the core itself tells, and goes without its unit's name.
    }
  }
}
