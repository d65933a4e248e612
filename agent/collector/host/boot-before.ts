import type { Before } from '../../words/evidence.ts'
import { byLastEntry } from './journal/header.ts'
import { wasStopped } from './journal/ordered-stop.ts'
import { isHosts, type JournalFile, type Scan, scanJournals } from './journal/scan.ts'
import { readText } from './read-text.ts'
import { type Boot, thisBoot } from './this-boot.ts'

/** The boot before the one that the host is in, as far as the host tells. */
export interface BootBefore {
  readonly id: string | undefined
  /** How its journal ends: `closed` in an ordered stop, which it tells of where its end was not captured; else `cut`. */
  readonly journal: 'closed' | 'cut' | 'none'
  /** When its first line was logged, in ms since the epoch. */
  readonly from: number | undefined
  /** Ids of the journal's files that have lines of it. */
  readonly files: ReadonlySet<string>
  readonly remembered: Before | undefined
  readonly boot: Boot
}

/** ms: what has no boot's id was left by the boot before where it is not older than this by the time at which the host started. */
const LEFT_MS = 3_600_000

/** Finds it out: by what is remembered, and by the headers of the journal's files. Rejects only when the signal aborts. */
export async function bootBefore(
  root: string,
  remembered: Before | undefined,
  signal: AbortSignal,
): Promise<BootBefore> {
  const boot = await thisBoot(root, signal)
  const { files } = await ofThisMachine(root, await scanJournals(root, signal), signal)
  const hosts = files.filter((file) => isHosts(file) && file.namespace === '')
  // A file that journald has gone on with was closed.
  const shared = hosts.find((file) => hasEarlierLines(file, boot))
  const newest = hosts.filter(({ header }) => header.bootId !== boot.id).sort(byLastEntry(Date.now()))
  const id = remembered?.id ?? (shared ? undefined : newest[0]?.header.bootId)
  const named = newest.filter(({ header }) => header.bootId === id)
  // Where the power went soon after journald had gone on with a file, its header names the boot before that.
  const unnamed = remembered?.captured === false && !shared && newest[0]?.dirty ? newest.slice(0, 1) : []
  const own = named.length > 0 ? named : unnamed
  const first = Math.min(...own.map(({ header }) => header.headRealtime / 1000))
  const from = Number.isFinite(first) ? first : undefined
  const last = shared ?? own[0]
  const isClosed = async (file: JournalFile) =>
    !file.dirty && (remembered?.captured === true || (await wasStopped(root, file, { id, now: boot.id }, signal)))
  const journal = last === undefined ? 'none' : (await isClosed(last)) ? 'closed' : 'cut'
  const its = files.filter((file) => file.header.bootId === id || own.includes(file) || hasEarlierLines(file, boot))
  return { id, journal, from, files: new Set(its.map(({ header }) => header.fileId)), remembered, boot }
}

/**
 * Whether something that lies on the host and was not written in this boot is to be listed: where anything is remembered, what was not
 * stored since; else what the boot before has left, by its id or its time (ms since the epoch).
 */
export function isLeft(
  { mark, bootId, at }: { readonly mark: string; readonly bootId?: string | undefined; readonly at: number },
  { remembered, id, from, boot }: BootBefore,
): boolean {
  if (remembered !== undefined) return !remembered.stored.includes(mark)
  if (bootId !== undefined) return bootId === id
  return at >= (from ?? boot.earliest - LEFT_MS)
}

/** A file counts as its last entry's boot: it may have begun in an earlier one. */
function hasEarlierLines({ header }: JournalFile, boot: Boot): boolean {
  return header.entries > 0 && header.bootId === boot.id && header.headRealtime / 1000 < boot.earliest
}

/** Without those that were in the image, of the machine on which it was made: the directories bear the machine's id. */
async function ofThisMachine(root: string, { files }: Scan, signal: AbortSignal): Promise<Pick<Scan, 'files'>> {
  const id = (await readText(root, 'etc/machine-id', signal))?.trim() ?? ''
  if (!/^[0-9a-f]{32}$/.test(id)) return { files }
  return { files: files.filter(({ directory }) => directory.split('/').at(-1)?.split('.')[0] === id) }
}
