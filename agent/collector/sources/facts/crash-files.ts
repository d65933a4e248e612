import { type Entry, textEntry } from './entry.ts'
import type { HostReads } from './host-reads.ts'
import { tsv } from './tsv.ts'
import { CRASH_DIRECTORIES } from './wanted-files.ts'

/** Files listed of each directory, the last by name: names there begin with or hold a time or number that grows. */
const LISTED = 256

/** crash-files.tsv: what earlier crashes have left, by name, size and time; nothing is opened. */
export async function crashFiles(reads: HostReads): Promise<Entry> {
  const rows: [string, number, string][] = []
  for (const directory of CRASH_DIRECTORIES) {
    const names = (await reads.names(directory, { optional: true })) ?? []
    for (const name of names.slice(-LISTED)) {
      const stat = await reads.stat(`${directory}/${name}`, { optional: true })
      if (stat !== undefined) rows.push([`/${directory}/${name}`, stat.size, stat.mtime.toISOString()])
    }
  }
  return textEntry('crash-files.tsv', tsv(['path', 'size', 'modified'], rows))
}
