import type { Stats } from 'node:fs'
import { shownName } from '../../../words/host-name.ts'
import { isoTime } from '../../../words/instant.ts'
import type { HostReads } from '../../host/host-reads.ts'
import { inTurns } from '../../host/in-turns.ts'
import { type Entry, textEntry } from '../../tar/entry.ts'
import { tsv } from '../../tar/tsv.ts'
import { CRASH_DIRECTORIES } from './wanted-files.ts'

/** Files listed of each directory, of each owner in turns. */
const LISTED = 256
/** Names that are looked at for it, the last: names there begin with or hold a time or number that grows. */
const LOOKED = 2048

/** crash-files.tsv: what earlier crashes have left, by name, size and time; nothing is opened. */
export async function crashFiles(reads: HostReads): Promise<Entry> {
  const rows: [string, number, string | undefined, number][] = []
  for (const directory of CRASH_DIRECTORIES) {
    const names = (await reads.names(directory, { optional: true, detail: true })) ?? []
    const found: { readonly name: string; readonly stat: Stats }[] = []
    for (const name of names.slice(-LOOKED)) {
      const stat = await reads.stat(`${directory}/${name}`, { optional: true, detail: true })
      if (stat !== undefined) found.push({ name, stat })
    }
    const listed = inTurns(found.toReversed(), ({ stat }) => stat.uid).slice(0, LISTED)
    if (names.length > listed.length)
      reads.ledger.note('crash-files.tsv', `${listed.length} of ${names.length} names in /${directory}`)
    for (const { name, stat } of listed.toSorted((a, b) => (a.name < b.name ? -1 : 1)))
      rows.push([shownName(`/${directory}/${name}`), stat.size, isoTime(stat.mtimeMs), stat.uid])
  }
  return textEntry('crash-files.tsv', tsv(['path', 'size', 'modified', 'uid'], rows))
}
