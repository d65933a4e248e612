import { setTimeout as sleep } from 'node:timers/promises'
import type { Lease } from '../../../streams/lease.ts'
import { Refusal } from '../../../wall/refusal.ts'
import { cannot, sentence } from '../../../words/cannot.ts'
import type { JournalDetails } from '../../../words/details.ts'
import type { EvidenceClass } from '../../../words/evidence.ts'
import { shownName } from '../../../words/host-name.ts'
import { isOnCalendar } from '../../../words/instant.ts'
import type { JournalHeader } from '../../host/journal/header.ts'
import { type JournalFile, type OpenJournal, readHeader, reopenJournal, scanJournals } from '../../host/journal/scan.ts'
import { readFrom } from '../../host/read-file.ts'
import type { Reading } from '../../host/reading.ts'
import { holdsMemory } from './memory-fields.ts'
import { type Rotation, rotateJournal } from './rotate.ts'
import type { Varlink } from './varlink.ts'

/** journald marks a file as archived in a thread of its own, after it has answered: milliseconds, with a disk that works. */
const SETTLE_MS = 500
const SETTLE_POLL_MS = 10

/** What the source remembers in one session, from its inventory to its last words. */
export interface Round {
  readonly root: string
  /** The user that systemd-coredump becomes: known from the inventory on. */
  coredumpUid: number | undefined
  /** The connection to journald that a collector which is not root was given. */
  readonly journald: Varlink | undefined
  /** Why memory stays on the host, where it does. */
  readonly closed: string | undefined
  /** Ids of all files that the inventory saw, those that were left out too. */
  readonly known: Set<string>
  /** Ids and names of items that were given out. */
  readonly given: Set<string>
  /** Entries that were in a file when it was read. */
  readonly taken: Map<string, number>
  /** One rotation for all live files of a journald, made when the first of them is opened. */
  readonly rotations: Map<string, Promise<Rotation>>
}

/**
 * Opens a journal file; a live one after it was archived, or as it is where that cannot be done. One that was listed as
 * `text` is looked into once more: since then something may have crashed.
 */
export async function takeJournal(
  file: JournalFile,
  listedAs: EvidenceClass,
  round: Round,
  limit: number,
  signal: AbortSignal,
): Promise<Reading> {
  let open: string | undefined
  let now = file
  if (!file.archived) {
    const rotation = await rotationOf(round, file.namespace, signal)
    if (!rotation.rotated) open = rotation.reason
    now = await findAgain(round.root, file, signal)
  }
  using owned = new DisposableStack()
  const opened = await reopenJournal(round.root, now, signal)
  owned.use(opened.handle)
  const confine = async () => {
    if (listedAs === 'memory' || round.closed === undefined) return
    if (!(await holdsMemory(opened.handle, round.coredumpUid, signal))) return
    signal.throwIfAborted()
    throw new Refusal('seal', `${shownName(now.path)} holds a crash's environment or core by now: ${round.closed}`)
  }
  const header = now.archived && !now.dirty ? await settled(opened, signal) : opened.header
  await confine()
  round.taken.set(header.fileId, header.entries)
  const { size } = await opened.handle.stat(signal)
  // Pinned: of a file in use, what its header vouches for now, and nothing that is added while it is copied.
  const whole = header.state === 'archived' ? size : Math.min(size, header.bytes)
  const reading = readFrom(opened, whole, limit, signal)
  owned.move()
  const told = entriesTold(header)
  const details: JournalDetails = {
    ...told.details,
    ...(open !== undefined && { open }),
    ...(whole < header.bytes && { headerBytes: header.bytes }),
  }
  return {
    ...reading,
    chunks: header.state === 'archived' ? reading.chunks : eachAfter(confine, reading.chunks),
    outcome() {
      const { truncated } = reading.outcome()
      const padding = `for journalctl make it as long again: truncate -s ${header.bytes}`
      return {
        identity: { ...told, details },
        ...(truncated !== undefined && { truncated: `${truncated}; ${padding}` }),
      }
    },
  }
}

/** Chunks of a file that is written to meanwhile: each is let go only if, after it was read, `confine` lets it. */
async function* eachAfter(confine: () => Promise<void>, chunks: AsyncIterable<Lease>) {
  for await (const chunk of chunks) {
    await confine()
    yield chunk
  }
}

/** What a file's header says of its lines: how many, of which time, and when the last was logged, where that can be. */
export function entriesTold({ entries, headRealtime, tailRealtime }: JournalHeader) {
  const [from = 0, to = 0] = [headRealtime, tailRealtime].map((µs) => Math.round(µs / 1000))
  const details: JournalDetails = {
    source: 'journal',
    entries,
    ...(isOnCalendar(from) && { from }),
    ...(isOnCalendar(to) && { to }),
  }
  return { details, ...(isOnCalendar(to) && { at: to }) }
}

/** The rotation of a journald's live files in this round: made once, then remembered. */
export async function rotationOf(round: Round, namespace: string, signal: AbortSignal): Promise<Rotation> {
  const made = round.rotations.get(namespace)
  if (made !== undefined) return made
  const rotation = scanJournals(round.root, signal)
    .then(({ files }) => {
      const live = files.filter((file) => file.namespace === namespace && !file.archived)
      const directories = [...new Set(live.map(({ directory }) => directory))]
      return rotateJournal(round.root, namespace, directories, round.journald, signal)
    })
    .catch((error): Rotation => ({ rotated: false, reason: sentence(error) }))
  round.rotations.set(namespace, rotation)
  return rotation
}

/** The rotation renamed it; its own id finds it under any name. One that stayed is not mistaken for a copy of it. */
async function findAgain(root: string, file: JournalFile, signal: AbortSignal): Promise<JournalFile> {
  const { files } = await scanJournals(root, signal)
  const same = files.filter(({ header }) => header.fileId === file.header.fileId)
  const now = same.find(({ path }) => path === file.path) ?? same[0]
  if (now === undefined) throw cannot(`copy ${shownName(file.path)}`, 'journald has removed it since the inventory')
  return now
}

/** The header once journald has finished archiving the file, or as it is when that takes too long. */
async function settled(file: OpenJournal, signal: AbortSignal): Promise<OpenJournal['header']> {
  let header = file.header
  for (let waited = 0; header.state === 'online' && waited < SETTLE_MS; waited += SETTLE_POLL_MS) {
    await sleep(SETTLE_POLL_MS, undefined, { signal })
    header = await readHeader(file, signal)
  }
  return header
}
