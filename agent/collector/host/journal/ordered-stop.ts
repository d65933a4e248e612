import { abandonable } from '../../../words/deadline.ts'
import { entriesWith } from './entries.ts'
import { BY_LOGIND, JOURNAL_STOP, SHUTDOWN } from './message-ids.ts'
import { type JournalFile, openJournal } from './scan.ts'

/** Whose word counts, and which. */
const WORDS = [
  [`MESSAGE_ID=${JOURNAL_STOP}`, '_TRANSPORT=driver'],
  [`MESSAGE_ID=${SHUTDOWN}`, BY_LOGIND],
] as const
/** ms before the file's last entry: a stop does not last longer, and who only starts journald anew goes on for longer. */
const STOP_MS = 10 * 60_000
/** More of them are of stops that were cancelled, and of journald started anew. */
const MOST = 16

/** The boot that is asked about, and the one that the host is in: ids, as far as they are known. */
interface Boots {
  readonly id: string | undefined
  readonly now: string | undefined
}

/**
 * Whether a closed journal file says that a boot was stopped in order. That it is closed does not say it: journald closes a file whenever
 * nothing has been logged for a while, and goes on with it in the next boot. Gives true where it cannot be read, as a file that was closed
 * well; rejects when the signal aborts.
 */
export async function wasStopped(root: string, file: JournalFile, boots: Boots, signal: AbortSignal): Promise<boolean> {
  try {
    return await abandonable(hasWord(root, file, boots, signal), signal)
  } catch {
    signal.throwIfAborted()
    return true
  }
}

async function hasWord(root: string, { path, header }: JournalFile, { id, now }: Boots, signal: AbortSignal) {
  using handle = (await openJournal(root, path, signal)).handle
  const isShared = header.bootId === now
  const isMeant = (bootId: string) => (id === undefined ? bootId !== now : bootId === id)
  for (const values of WORDS)
    for await (const { at, bootId } of entriesWith(handle, values, [], MOST, signal))
      if (isMeant(bootId) && (isShared || at >= header.tailRealtime / 1000 - STOP_MS)) return true
  return false
}

/** When an ordered stop of this boot, which ended at `last`, began, in ms since the epoch; undefined where the file tells of none, or cannot be read. */
export async function stopBegan(
  root: string,
  { path }: JournalFile,
  id: string,
  last: number,
  signal: AbortSignal,
): Promise<number | undefined> {
  try {
    using handle = (await openJournal(root, path, signal)).handle
    const began: number[] = []
    for (const values of WORDS)
      for await (const { at, bootId } of entriesWith(handle, values, [], MOST, signal))
        if (bootId === id && at >= last - STOP_MS) began.push(at)
    return began.length === 0 ? undefined : Math.min(...began)
  } catch {
    signal.throwIfAborted()
    return undefined
  }
}
