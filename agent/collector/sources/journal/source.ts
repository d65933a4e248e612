import type { Settings } from '../../../settings/schema.ts'
import { aborted, within } from '../../../words/deadline.ts'
import type { EvidenceClass } from '../../../words/evidence.ts'
import { shownName } from '../../../words/host-name.ts'
import { clearance } from '../../clearance.ts'
import type { BootBefore } from '../../host/boot-before.ts'
import { coredumpUser } from '../../host/journal/coredump-words.ts'
import { archivedName } from '../../host/journal/header.ts'
import { isHosts, type JournalFile, reopenJournal, scanJournals } from '../../host/journal/scan.ts'
import { thisBootId } from '../../host/this-boot.ts'
import type { Found, Inventory, Source } from '../source.ts'
import { chooseFiles } from './choose.ts'
import { absentGap, emptyGaps, leftOutGaps, problemGaps, strangeGaps } from './gaps.ts'
import { holdsMemory } from './memory-fields.ts'
import { entriesTold, type Round, rotationOf, takeJournal } from './take.ts'
import type { Varlink } from './varlink.ts'

/** journald compresses long fields; indexes and short ones still shrink to about this. */
const RATIO = 0.25
/** Share of its time in which the source looks into files for what class they are of: what it finds must be told after that. */
const LOOKING = 3 / 4
/** By how much a live file may have grown when it is read: journald enlarges files by this (FILE_SIZE_INCREASE). */
const GROWTH_BYTES = 8 * 1024 * 1024

/**
 * journald's own files of the last boots, the host's before its users', newest first: live ones are archived first, where that can be done. What
 * comes up is what was logged since, at the end: archived once more, or the live files again. `journald` is a connection to it, for
 * who is not root.
 */
export function journalSource(journald?: Varlink): Source {
  return {
    name: 'journal',
    open({ root, settings, before }) {
      const cleared = clearance('memory', settings.seal)
      const round: Round = {
        ...{ root, journald, coredumpUid: undefined, closed: cleared.kind === 'closed' ? cleared.reason : undefined },
        ...{ known: new Set(), given: new Set(), taken: new Map(), rotations: new Map() },
      }
      if (before !== undefined)
        return { inventory: (ms, signal) => earlier(round, settings.journal, before, within(ms * LOOKING, signal)) }
      return {
        inventory: (ms, signal) => inventory(round, settings.journal, within(ms * LOOKING, signal)),
        async *comesUp(_, stop, signal) {
          await aborted(AbortSignal.any([stop, signal]))
          signal.throwIfAborted()
          yield await lastWords(round, signal)
        },
      }
    },
  }
}

async function inventory(round: Round, limits: Settings['journal'], signal: AbortSignal): Promise<Inventory> {
  const { root, known } = round
  round.coredumpUid = await coredumpUser(root, signal)
  const { files, problems, strange } = await scanJournals(root, signal)
  for (const { header } of files) known.add(header.fileId)
  const { chosen, leftOut, empty } = chooseFiles(files, await thisBootId(root, signal), limits, Date.now())
  const listed: Found[] = []
  for (const [rank, file] of chosen.entries()) listed.push(await found(file, rank, round, '', signal))
  return {
    found: listed,
    gaps: [
      ...(files.length + problems.length === 0 ? [absentGap()] : []),
      ...problemGaps(problems),
      ...leftOutGaps(leftOut),
      ...emptyGaps(empty),
      ...strangeGaps(strange),
    ],
  }
}

/** All that has lines of the boot before. */
async function earlier(
  round: Round,
  { limit }: Settings['journal'],
  before: BootBefore,
  signal: AbortSignal,
): Promise<Inventory> {
  const { root } = round
  round.coredumpUid = await coredumpUser(root, signal)
  const { files, problems } = await scanJournals(root, signal)
  const ofIt = files.filter(({ header }) => before.files.has(header.fileId))
  // One that journald has gone on with counts as this boot's: all that are of that boot are of the last two.
  const { chosen, leftOut } = chooseFiles(ofIt, before.boot.id, { boots: 2, limit }, Date.now())
  const listed: Found[] = []
  for (const [rank, file] of chosen.entries()) listed.push(await found(file, rank, round, '', signal))
  const absent = problems.length + chosen.length === 0 ? [absentGap('no journal of the boot before was found')] : []
  return { found: listed, gaps: [...absent, ...problemGaps(problems), ...leftOutGaps(leftOut)] }
}

async function lastWords(round: Round, signal: AbortSignal): Promise<Inventory> {
  const { root, known, taken, rotations } = round
  rotations.clear()
  const live = (await scanJournals(root, signal)).files.filter(({ archived }) => !archived)
  const namespaces = [...new Set(live.map(({ namespace }) => namespace))]
  const rotated = await Promise.all(namespaces.map((namespace) => rotationOf(round, namespace, signal)))
  const { files, problems } = await scanJournals(root, signal)
  const fresh: Found[] = []
  for (const file of files) {
    const { archived, namespace, header } = file
    // What came after the rotation came after the end.
    const afterwards = !archived && rotated[namespaces.indexOf(namespace)]?.rotated
    if (header.entries === 0 || afterwards) continue
    const isKnown = known.has(header.fileId)
    const grown = header.entries > (taken.get(header.fileId) ?? Number.POSITIVE_INFINITY)
    if (!isKnown || grown) fresh.push(await found(file, 0, round, isKnown ? '.again' : '', signal))
  }
  return { found: fresh, gaps: problemGaps(problems) }
}

/**
 * Lines are text; what systemd-coredump logs of a process's memory is memory. A file that was not closed may lack what its
 * tables should say of it.
 */
async function classOf(file: JournalFile, { root, coredumpUid }: Round, signal: AbortSignal): Promise<EvidenceClass> {
  if (file.dirty) return 'memory'
  try {
    using handle = (await reopenJournal(root, file, signal)).handle
    return (await holdsMemory(handle, coredumpUid, signal)) ? 'memory' : 'text'
  } catch {
    return 'memory'
  }
}

/** `mark` tells a second copy of one file from the first. */
async function found(
  file: JournalFile,
  rank: number,
  round: Round,
  mark: '' | '.again',
  signal: AbortSignal,
): Promise<Found> {
  const { header, archived, dirty, directory, namespace, stem, size } = file
  const original = file.path.slice(directory.length + 1).replace(/\.journal~?$/, '')
  const name = (archived ? original : archivedName(stem, header)) + mark
  const key = `${namespace === '' ? '' : `${namespace}.`}${name}${dirty ? '.dirty' : ''}`
  const listedAs = await classOf(file, round, signal)
  const unique = (text: string) => uniqueIn(round.given, text)
  return {
    id: unique(header.fileId + mark),
    source: 'journal',
    name: `journal/${unique(key.replace(/[^A-Za-z0-9@._-]/g, '_').slice(0, NAME))}.journal.zst`,
    class: listedAs,
    phase: 'stored',
    encoding: 'frames',
    bytes: size + (archived ? 0 : GROWTH_BYTES),
    ratio: RATIO,
    // The host's own journal before the users', later lines before earlier ones.
    value: Math.round((isHosts(file) ? 600 : 300) * 0.9 ** rank),
    identity: {
      path: shownName(`${directory}/${name}.journal${dirty ? '~' : ''}`),
      bootId: header.bootId,
      ...entriesTold(header),
    },
    open: (limit, signal) => takeJournal(file, listedAs, round, limit, signal),
  }
}

/** Longest name of an artifact that comes from a file's name; with the rest it stays below what a file's name may have. */
const NAME = 180

/** The text, or, where it is taken already (a copy of a file has its id, and what is no letter becomes the same), with a number. */
function uniqueIn(taken: Set<string>, text: string): string {
  let one = text
  for (let copy = 2; taken.has(one); copy++) one = `${text}-${copy}`
  taken.add(one)
  return one
}
