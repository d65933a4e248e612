import { posix } from 'node:path'
import type { Lease } from '../../../streams/lease.ts'
import { sentence } from '../../../words/cannot.ts'
import { abandonable } from '../../../words/deadline.ts'
import { LISTED } from '../../../words/details.ts'
import { shownName } from '../../../words/host-name.ts'
import { printable } from '../../../words/printable.ts'
import { HostReads } from '../../host/host-reads.ts'
import { ledger } from '../../host/ledger.ts'
import type { OpenFile } from '../../host/open-file.ts'
import { inChunks, type Outcome, type Reading } from '../../host/reading.ts'
import type { Entry } from '../../tar/entry.ts'
import { ENTRY_BYTES, TAR_END, tarWriter } from '../../tar/tar-writer.ts'
import { SMALL_BYTES } from './choose.ts'
import type { FilesTable } from './files-table.ts'
import { openAgain, openAt } from './find-again.ts'
import { isSame, type Seen, seenAs } from './seen.ts'

/** Where the host's paths begin in the tar; beside it stands the table. */
const ROOT = 'root'
export const TABLE = 'files.tsv'
/** Kept for the table: most of what it may have. */
const TABLE_BYTES = 256 * 1024

/** A file as it was read. */
interface Read {
  readonly file: Seen
  readonly content: Buffer
  readonly note?: string
}

/** All that is below a MiB as one tar, the newest first, and a table of all that was seen. However early it is stopped, the tar is whole. */
export function readSmallFiles(
  root: string,
  small: readonly Seen[],
  table: FilesTable,
  limit: number,
  signal: AbortSignal,
): Reading {
  const at = Date.now()
  const troubles = ledger()
  const reads = new HostReads(root, troubles, signal)
  const first: { path: string; bytes: number }[] = []
  let count = 0
  let unread = 0
  return {
    chunks: packed(),
    outcome(): Outcome {
      const missing = small.length - count - unread
      const details = { source: 'files', count, first, ...(unread > 0 && { unread }) } as const
      const short = missing > 0 ? { truncated: `${missing} of ${small.length} files were not read in time` } : {}
      return { identity: { details }, ...short }
    },
    async [Symbol.asyncDispose]() {
      reads[Symbol.dispose]()
    },
  }

  async function* packed(): AsyncGenerator<Lease, void, void> {
    const tar = tarWriter(at)
    let left = limit - TAR_END - TABLE_BYTES
    for (const seen of small) {
      if (signal.aborted) break
      const found = await readOne(seen)
      if (found.length > 0) count += 1
      else if (!signal.aborted) unread += 1
      for (const { file, content, note } of found) {
        if (content.length + ENTRY_BYTES > left) continue
        const entry = entryOf(file, content)
        table.here(file, content.length, note)
        if (first.length < LISTED) first.push({ path: shownName(file.path), bytes: content.length })
        const piece = await tar.add(entry)
        left -= piece.length
        yield* inChunks(piece)
      }
    }
    yield* inChunks(
      Buffer.concat([await tar.add({ name: TABLE, content: table.text(TABLE_BYTES - ENTRY_BYTES) }), tar.end()]),
    )
  }

  /** What there is of a file by now: itself, under the name that it has, and what was begun in its place. */
  async function readOne(seen: Seen): Promise<readonly Read[]> {
    let why: unknown = 'no answer from the kernel'
    const work = async () => {
      const found: Read[] = []
      const there = await openAt(root, seen.real, signal).catch((error: unknown) => {
        why = error
        return undefined
      })
      if (there !== undefined) found.push(await contentOf(there, seen.path, seen.real))
      if (there === undefined || !isSame(seen, there.stats)) {
        const again = await openAgain(root, seen, signal).catch(() => undefined)
        const path = again && posix.join(posix.dirname(seen.path), posix.basename(again.real))
        if (again !== undefined && path !== undefined)
          found.push(await contentOf(again, path, again.real, `was ${shownName(seen.path)}`))
      }
      return found
    }
    const found = await reads.ask(seen.real, () =>
      work().catch((error: unknown) => {
        why = error
        return undefined
      }),
    )
    if (found !== undefined && found.length > 0) return found
    if (!signal.aborted) table.left(seen, 'failed', sentence(why))
    return []
  }

  async function contentOf({ handle, stats }: OpenFile, path: string, real: string, note?: string): Promise<Read> {
    using file = handle
    // What has grown beyond what shares a tar lacks its beginning.
    const from = Math.max(0, stats.size - SMALL_BYTES)
    const content = await abandonable(file.bytesAt(from, stats.size - from, signal), signal)
    const cut = from > 0 ? [`its first ${from} bytes are left out: it has grown`] : []
    const notes = [...(note === undefined ? [] : [note]), ...cut]
    return { file: seenAs(path, real, stats), content, ...(notes.length > 0 && { note: notes.join('; ') }) }
  }
}

/** Names as people read them: bytes that are no UTF-8 as `\xNN`, what cannot be seen as `\u{…}`. */
function entryOf({ path, uid, gid, mode, mtimeMs }: Seen, content: Buffer): Entry {
  return { name: ROOT + printable(shownName(path)), content, kept: { uid, gid, mode, mtimeMs } }
}
