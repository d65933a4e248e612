import type { Death } from '../../findings/death.ts'
import type { Evidence, UnitFailure } from '../../findings/evidence.ts'
import {
  COREDUMP,
  COREDUMP_FIELDS,
  coredumpDeath,
  DUMPING,
  dumpingDeath,
  exitDeath,
  type JournalEntry,
  MANAGER,
  OOMD_KILL,
  OUT_OF_MEMORY,
  oomdDeath,
  outOfMemoryDeath,
  PROCESS_EXIT,
  RESTART_SCHEDULED,
  UNIT_FAILED,
  UNIT_FIELDS,
  unitEvent,
} from '../../findings/journal-words.ts'
import { coredumpEntries, type Entry, entriesWith } from '../host/journal/entries.ts'
import { isHosts, type JournalFile, openJournal, scanJournals } from '../host/journal/scan.ts'
import type { OwnedFile } from '../host/owned-file.ts'
import { type Testimony, unseenFor } from './testimony.ts'

const PLACE = 'the journal'

export interface JournalTestimony extends Testimony, Pick<Evidence, 'unitFailures' | 'restarts'> {}

/** An entry costs some 40 small reads, a millisecond; more deaths than this in one file are one death, over and over. */
const MOST_ENTRIES = 64
/** Files that are looked into: where nothing of the kind was logged, each is some ten small reads. journald keeps 100 archived ones (SystemMaxFiles=). */
const MOST_FILES = 128

/**
 * The deaths that systemd and systemd-coredump have logged in the boot `bootId` (32 hex digits; undefined: in any), the newest first.
 * A file that cannot be read costs what is in it, and is told where it may be of that boot.
 */
export async function journalTestimony(
  root: string,
  bootId: string | undefined,
  signal: AbortSignal,
): Promise<JournalTestimony> {
  const { files, problems } = await scanJournals(root, signal)
  const ofBoot = files
    .filter(({ archived, header }) => !archived || bootId === undefined || header.bootId === bootId)
    .toSorted((a, b) => Number(isHosts(b)) - Number(isHosts(a)) || b.header.tailRealtime - a.header.tailRealtime)
  const deaths: Death[] = []
  const units = { unitFailures: [] as UnitFailure[], restarts: [] as UnitFailure[] }
  const unseen = new Set<string>()
  if (files.length === 0 && problems.length === 0) return { ...units, ...unseenFor(PLACE, 'is not there') }
  if (problems.length > 0) unseen.add('could not all be read')
  if (ofBoot.length > MOST_FILES) unseen.add(`has more files than the ${MOST_FILES} that were looked into`)
  for (const file of ofBoot.slice(0, MOST_FILES)) {
    try {
      for await (const death of deathsIn(root, file, signal)) {
        const boot = bootId === undefined ? 'unknown' : death.bootId === bootId ? 'this' : 'earlier'
        if (boot === 'earlier') continue
        if ('to' in death) {
          const event = unitEvent(death)
          if (event !== undefined) units[death.to].push(event)
          continue
        }
        const told = death.of({ ...death, boot })
        if (told !== undefined) deaths.push(told)
      }
    } catch {
      unseen.add(signal.aborted ? 'did not answer in time' : 'could not all be read')
      if (signal.aborted) break
    }
  }
  return { ...units, deaths, unseen: [...unseen].map((why) => ({ place: PLACE, why })) }
}

/** An entry that tells of a death, or of a unit. */
type Logged = Entry &
  ({ readonly of: (entry: JournalEntry) => Death | undefined } | { readonly to: 'unitFailures' | 'restarts' })

async function* deathsIn(root: string, file: JournalFile, signal: AbortSignal): AsyncGenerator<Logged, void, void> {
  using handle = (await openJournal(root, file.path, signal)).handle
  for await (const entry of coredumpEntries(handle, COREDUMP, COREDUMP_FIELDS, MOST_ENTRIES, signal))
    yield { ...entry, of: coredumpDeath }
  // What is root's word is in the host's files.
  if (isHosts(file)) yield* unitsIn(handle, signal)
}

async function* unitsIn(handle: OwnedFile, signal: AbortSignal): AsyncGenerator<Logged, void, void> {
  const read = (values: readonly string[], fields: readonly string[]) =>
    entriesWith(handle, values, fields, MOST_ENTRIES, signal)
  for await (const entry of read(DUMPING, ['MESSAGE'])) yield { ...entry, of: dumpingDeath }
  for await (const entry of read([PROCESS_EXIT, MANAGER], UNIT_FIELDS)) yield { ...entry, of: exitDeath }
  for await (const entry of read([OUT_OF_MEMORY, MANAGER], UNIT_FIELDS)) yield { ...entry, of: outOfMemoryDeath }
  for await (const entry of read([OOMD_KILL, MANAGER], UNIT_FIELDS)) yield { ...entry, of: oomdDeath }
  for await (const entry of read([UNIT_FAILED, MANAGER], UNIT_FIELDS)) yield { ...entry, to: 'unitFailures' }
  for await (const entry of read([RESTART_SCHEDULED, MANAGER], UNIT_FIELDS)) yield { ...entry, to: 'restarts' }
}
