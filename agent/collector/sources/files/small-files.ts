import { posix } from 'node:path'
import type { Lease } from '../../../streams/lease.ts'
import { sentence } from '../../../words/cannot.ts'
import { LISTED } from '../../../words/details.ts'
import { shownName } from '../../../words/host-name.ts'
import { withinOwn } from '../../../words/own-time.ts'
import { printable } from '../../../words/printable.ts'
import { isAbsent } from '../../host/absent.ts'
import type { OpenFile } from '../../host/open-file.ts'
import { inChunks, type Outcome, type Reading } from '../../host/reading.ts'
import type { Entry } from '../../tar/entry.ts'
import { ENTRY_BYTES, TAR_END, tarWriter } from '../../tar/tar-writer.ts'
import { SMALL_BYTES } from './choose.ts'
import type { FilesTable } from './files-table.ts'
import { idOf, openAgain, openAt } from './find-again.ts'
import { isSame, type Seen, seenAs } from './seen.ts'

/** ms of our own time for one file: a disk that sleeps or retries takes seconds. */
const FILE_MS = 4_000
/** For as long nothing may come of the whole tar: more than one file may take. */
export const PATIENCE_MS = 10_000
/** Files that hang before the others are left alone: each keeps a thread of the pool. */
const MOST_HUNG = 3

/** Where the host's paths begin in the tar; beside it stands the table. */
const ROOT = 'root'
export const TABLE = 'files.tsv'
/** Kept for the table: most of what it may have. */
const TABLE_BYTES = 256 * 1024

/** A file that shares a tar: from this byte on, and under another name than its own where that is taken. */
export interface SmallFile {
  readonly seen: Seen
  readonly from?: number
  readonly suffix?: string
}

export interface Asked {
  readonly root: string
  readonly files: readonly SmallFile[]
  readonly table: FilesTable
  /** Told of each file that was read, by its id, up to where. */
  readonly onRead: (id: string, to: number) => void
}

/** A file as it was read. */
interface Read {
  readonly file: Seen
  readonly name: string
  readonly content: Buffer
  readonly to: number
  readonly notes: readonly string[]
}

/** All that is below a MiB as one tar, and a table of all that was seen. However early it is stopped, the tar is whole. */
export function readSmallFiles({ root, files, table, onRead }: Asked, limit: number, signal: AbortSignal): Reading {
  const at = Date.now()
  const done = new Set<string>()
  const first: { path: string; bytes: number }[] = []
  const counts = { read: 0, gone: 0, unread: 0, hung: 0, beyond: 0 }
  let why = ''
  return {
    chunks: packed(),
    outcome(): Outcome {
      const { read, gone, unread, beyond } = counts
      const late = files.length - read - gone - unread
      const details = { source: 'files', count: read - beyond, first, ...(unread > 0 && { unread }) } as const
      const truncated = [
        ...(unread > 0 ? [`${unread} of ${files.length} files could not be read: ${why}`] : []),
        ...(beyond > 0 ? [`${beyond} of ${files.length} files did not fit`] : []),
        ...(late > 0 ? [`${late} of ${files.length} files were not read in time`] : []),
      ].join('; ')
      return { identity: { details }, ...(truncated !== '' && { truncated }) }
    },
    async [Symbol.asyncDispose]() {},
  }

  async function* packed(): AsyncGenerator<Lease, void, void> {
    const tar = tarWriter(at)
    let left = limit - TAR_END - TABLE_BYTES
    for (const wanted of files) {
      for (const { file, name, content, to, notes } of await readOne(wanted)) {
        // What a log was rotated to may have been listed itself, under the name that this one has now.
        if (done.has(idOf(file))) continue
        done.add(idOf(file))
        if (content.length + ENTRY_BYTES > left) {
          counts.beyond += 1
          table.left(file, 'left out', 'there was no room for it')
          continue
        }
        table.here(file, content.length, notes.length > 0 ? notes.join('; ') : undefined)
        if (first.length < LISTED) first.push({ path: shownName(file.path), bytes: content.length })
        const piece = await tar.add(entryOf(file, name, content))
        onRead(idOf(file), to)
        left -= piece.length
        yield* inChunks(piece)
      }
    }
    const last = await tar.add({ name: TABLE, content: table.text(TABLE_BYTES - ENTRY_BYTES) })
    yield* inChunks(Buffer.concat([last, tar.end()]))
  }

  /** What there is of a file by now. */
  async function readOne(wanted: SmallFile): Promise<readonly Read[]> {
    if (signal.aborted) return []
    using limit = withinOwn(FILE_MS, signal)
    try {
      if (counts.hung >= MOST_HUNG) throw new Error('not tried, because reads before it hung')
      const found = await readNow(root, wanted, limit.signal)
      counts.read += 1
      return found
    } catch (error) {
      if (signal.aborted) return []
      if (limit.signal.aborted) counts.hung += 1
      const isGone = isAbsent(error)
      counts[isGone ? 'gone' : 'unread'] += 1
      if (!isGone) why ||= sentence(error)
      table.left(wanted.seen, isGone ? 'gone' : 'failed', sentence(error))
      return []
    }
  }
}

/** The file itself, under the name that it has by now, and what was begun in its place. Rejects where there is neither. */
async function readNow(root: string, wanted: SmallFile, signal: AbortSignal): Promise<readonly Read[]> {
  const { seen } = wanted
  let why: unknown
  const there = await openAt(root, seen.real, signal).catch((error: unknown) => {
    why = error
    return undefined
  })
  if (there !== undefined && isSame(seen, there.stats)) return [await contentOf(there, wanted, signal)]
  const begun =
    there &&
    (await contentOf(there, { seen: seenAs(seen.path, seen.real, there.stats), suffix: wanted.suffix ?? '' }, signal))
  signal.throwIfAborted()
  const again = await openAgain(root, seen, signal).catch(() => undefined)
  const path = posix.join(posix.dirname(seen.path), posix.basename(again?.real ?? ''))
  const moved = again && (await contentOf(again, { ...wanted, seen: seenAs(path, again.real, again.stats) }, signal))
  const note = `it was ${shownName(seen.path)} at the inventory`
  const found = [...(begun ? [begun] : []), ...(moved ? [{ ...moved, notes: [note, ...moved.notes] }] : [])]
  if (found.length === 0) throw why
  return found
}

/** What has grown beyond what shares a tar lacks its beginning. */
async function contentOf(
  { handle, stats }: OpenFile,
  { seen, from: wished = 0, suffix = '' }: SmallFile,
  signal: AbortSignal,
): Promise<Read> {
  using file = handle
  const from = Math.max(Math.min(wished, stats.size), stats.size - SMALL_BYTES)
  const content = await file.bytesAt(from, stats.size - from, signal)
  const notes = from > 0 ? [`from byte ${from} on`] : []
  return {
    file: seenAs(seen.path, seen.real, stats),
    name: `${seen.path}${suffix}`,
    content,
    to: from + content.length,
    notes,
  }
}

/** Names as people read them: bytes that are no UTF-8 as `\xNN`, what cannot be seen as `\u{…}`. */
function entryOf({ uid, gid, mode, mtimeMs }: Seen, name: string, content: Buffer): Entry {
  return { name: ROOT + printable(shownName(name)), content, kept: { uid, gid, mode, mtimeMs } }
}
