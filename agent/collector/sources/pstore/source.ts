import type { InventoryGap } from '../../../words/evidence.ts'
import { bytePath, shownName } from '../../../words/host-name.ts'
import { formatDuration } from '../../../words/units.ts'
import { type BootBefore, isLeft } from '../../host/boot-before.ts'
import { markOf } from '../../host/mark.ts'
import { openRegular } from '../../host/open-file.ts'
import { inChunks, type Reading } from '../../host/reading.ts'
import { maskText } from '../../masking/mask.ts'
import type { Found, Inventory, Source, SourceContext } from '../source.ts'
import { ARCHIVE, findRecords, KERNELS, type Record } from './find.ts'

/** Files that one capture takes, the newest. */
const MOST_FILES = 64
/** Of one file: a ring of the kernel's (log_buf_len) is 1 MiB at most where nobody asks for more. */
const FILE_BYTES = 2 * 1024 * 1024
/** Text of the kernel. */
const RATIO = 0.25

/** What kernels said last that have gone, as firmware has kept it: PSTORE.md. */
export function pstoreSource(): Source {
  return {
    name: 'pstore',
    open: (context) => ({ inventory: (_, signal) => inventory(context, signal) }),
  }
}

async function inventory({ root, settings, before }: SourceContext, signal: AbortSignal): Promise<Inventory> {
  if (before === undefined) return { found: [], gaps: [] }
  const now = Date.now()
  const { files, problems } = await findRecords(root, signal)
  const left = files.filter((file) => isOfEarlier(file, before))
  const isOld = ({ stats }: Record) => now - stats.mtimeMs > settings.cores.age
  const fresh = left.filter((file) => !isOld(file)).toSorted((a, b) => b.stats.mtimeMs - a.stats.mtimeMs)
  const old = left.length - fresh.length
  const names = new Set<string>()
  const found = fresh.slice(0, MOST_FILES).map((file, rank) => item(root, file, rank, names, now))
  const beyond = fresh.length - found.length
  const gaps = [
    ...problems.map((reason) => gap('failed', reason)),
    ...(old > 0 ? [gap('skipped', `${old} files, older than cores.age = ${formatDuration(settings.cores.age)}`)] : []),
    ...(beyond > 0 ? [gap('skipped', `${beyond} files beyond the ${MOST_FILES} that one capture takes`)] : []),
  ]
  const nothing = found.length + gaps.length === 0
  return { found, gaps: nothing ? [gap('absent', `no kernel has left anything in ${KERNELS} and ${ARCHIVE}`)] : gaps }
}

/** Whether it is to be listed. The archive's files have the time at which systemd-pstore wrote them: in the boot after. */
function isOfEarlier({ path, isArchived, stats }: Record, before: BootBefore): boolean {
  const at = isArchived && stats.mtimeMs >= before.boot.earliest ? before.boot.earliest : stats.mtimeMs
  return isLeft({ mark: mark({ path, isArchived, stats }), at }, before)
}

/** Records have no inode that stays: the kernel makes a file of each at every boot. */
function mark({ path, isArchived, stats: { ino, size: bytes, mtimeMs: changed } }: Record): string {
  return markOf({ path, ino: isArchived ? ino : 0, bytes, changed })
}

function item(root: string, record: Record, rank: number, names: Set<string>, now: number): Found {
  const { path, stats } = record
  const bytes = Math.min(stats.size, FILE_BYTES)
  return {
    id: path,
    source: 'pstore',
    name: nameOf(record, names),
    class: 'text',
    phase: 'stored',
    encoding: 'frames',
    bytes,
    ratio: RATIO,
    // Small, and says why the kernel died.
    value: Math.max(1, Math.round(900 * 0.95 ** rank)),
    mark: mark(record),
    identity: { path: shownName(path), at: Math.round(Math.min(stats.mtimeMs, now)), comm: 'kernel' },
    open: (limit, signal) => read(root, record, Math.min(limit, FILE_BYTES), signal),
  }
}

/** Read as a whole, as secrets may stand in it: what is longer lacks its beginning, for what a kernel says last matters most. */
async function read(root: string, { path }: Record, limit: number, signal: AbortSignal): Promise<Reading> {
  using file = (await openRegular(bytePath(root, path), signal)).handle
  const { size } = await file.stat(signal)
  const from = Math.max(0, size - limit)
  const text = (await file.bytesAt(from, size - from, signal)).toString('latin1')
  return {
    chunks: (async function* () {
      yield* inChunks(Buffer.from(maskText(text), 'latin1'))
    })(),
    outcome: () => (from > 0 ? { truncated: `only its last ${limit} bytes of ${size} were read` } : {}),
    async [Symbol.asyncDispose]() {},
  }
}

/** `pstore/<record>.dmesg.txt.zst`, fit for a key; of two of one name the second has a number. */
function nameOf({ path, isArchived }: Record, names: Set<string>): string {
  const below = path.slice((isArchived ? ARCHIVE : KERNELS).length + 1)
  const safe = below
    .replace(/[^A-Za-z0-9._-]/g, '.')
    .replace(/^\./, '_')
    .slice(-NAME)
    .replace(/\.txt$/, '')
  for (let copy = 1; ; copy++) {
    const name = `pstore/${safe}${copy === 1 ? '' : `-${copy}`}.txt.zst`
    if (names.has(name)) continue
    names.add(name)
    return name
  }
}

/** Characters of it. */
const NAME = 150

function gap(status: InventoryGap['status'], reason: string): InventoryGap {
  return { source: 'pstore', class: 'text', status, reason }
}
