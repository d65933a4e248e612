import { readdir } from 'node:fs/promises'
import { cannot, sentence } from '../../../words/cannot.ts'
import { abandonable } from '../../../words/deadline.ts'
import { bytePath, shownName } from '../../../words/host-name.ts'
import { withinOwn } from '../../../words/own-time.ts'
import { isAbsent } from '../absent.ts'
import { type OpenFile, openRegular } from '../open-file.ts'
import { HEADER_BYTES, type JournalHeader, parseHeader } from './header.ts'

/** Where journald keeps its files: persistent and volatile (systemd-journald.service(8)). */
const PLACES = ['/var/log/journal', '/run/log/journal']

/** `<machine id>` or, for a journald instance of its own, `<machine id>.<namespace>`. */
const DIRECTORY = /^[0-9a-f]{32}(?:\.(.+))?$/
/** `system.journal` is written to, `system@….journal` is archived, `system@….journal~` was found damaged or not closed. */
const FILE = /^([^@]+)(@.+)?\.journal(~)?$/

/** Files of one directory that are looked at. journald keeps 100 archived ones (SystemMaxFiles=), and a live one for each user. */
const MOST_FILES = 1000
/** ms, of which this process was run, for a directory's names and for a file's header: a healthy disk answers in a hundredth of that. */
const FILE_MS = 1_000
/** Files of one directory that are waited for in vain before the rest of them is left alone. */
const MOST_HUNG = 2
/** The key of journalctl --setup-keys: a secret, and no journal. */
const SEALING_KEY = 'fss'

export interface JournalFile {
  /** Absolute path on the host, a character for each byte: see words/host-name.ts. */
  readonly path: string
  readonly directory: string
  /** Of the journald instance that writes it: '' for the host's main one. */
  readonly namespace: string
  /** `system`, `user-1000`: what is before the `@` or the suffix. */
  readonly stem: string
  readonly archived: boolean
  readonly dirty: boolean
  readonly size: number
  readonly header: JournalHeader
}

/** A directory or file that could not be looked at, and why. */
export interface Problem {
  readonly path: string
  readonly reason: string
}

export interface Scan {
  readonly files: readonly JournalFile[]
  readonly problems: readonly Problem[]
  /** What lies there and is no journal of this host by its name. */
  readonly strange: readonly string[]
}

/** All journal files below `root`, with their headers: one small read per file, the cheapest way to know its boot. */
export async function scanJournals(root: string, signal: AbortSignal): Promise<Scan> {
  const scan = { files: [] as JournalFile[], problems: [] as Problem[], strange: [] as string[] }
  for (const place of PLACES) {
    for (const name of await list(root, place, scan.problems, signal)) {
      const namespace = DIRECTORY.exec(name)
      if (namespace === null) scan.strange.push(`${place}/${name}`)
      else await scanDirectory(root, `${place}/${name}`, namespace[1] ?? '', scan, signal)
    }
  }
  return scan
}

type Found = { readonly [List in keyof Scan]: Scan[List][number][] }

/** Adds the files of one directory. One that does not answer costs its own wait, and a few such those behind them. */
async function scanDirectory(root: string, directory: string, namespace: string, found: Found, signal: AbortSignal) {
  const { problems, strange } = found
  const names = (await list(root, directory, problems, signal)).filter((name) => name !== SEALING_KEY)
  strange.push(...names.filter((name) => !FILE.test(name)).map((name) => `${directory}/${name}`))
  const files = hostsFirst(names.filter((name) => FILE.test(name)))
  const left = files.length - MOST_FILES
  if (left > 0) {
    const reason = `${left} users' files in ${shownName(directory)} were not looked at: there are too many`
    problems.push({ path: directory, reason })
  }
  let hung = 0
  for (const [at, file] of files.slice(0, MOST_FILES).entries()) {
    if (hung === MOST_HUNG) {
      const reason = `${files.length - at} files in ${shownName(directory)} were not looked at: those before them hang`
      problems.push({ path: directory, reason })
      return
    }
    const [, stem = '', archived, dirty] = FILE.exec(file) ?? []
    const path = `${directory}/${file}`
    using limit = withinOwn(FILE_MS, signal)
    try {
      const { handle, stats, header } = await openJournal(root, path, limit.signal)
      handle[Symbol.dispose]()
      const kind = { archived: archived !== undefined, dirty: dirty !== undefined }
      found.files.push({ path, directory, namespace, stem, ...kind, size: stats.size, header })
    } catch (error) {
      signal.throwIfAborted()
      if (limit.signal.aborted) hung += 1
      const reason = limit.signal.aborted ? unanswered(path) : sentence(error)
      // Renamed or vacuumed since it was listed: then it is no file any more.
      if (!isAbsent(error)) problems.push({ path, reason })
    }
  }
}

const unanswered = (path: string) => sentence(cannot(`open ${shownName(path)}`, `no answer within ${FILE_MS} ms`))

export type OpenJournal = OpenFile & { readonly header: JournalHeader }

/** Opens a journal file of the host and reads its header. */
export async function openJournal(root: string, path: string, signal: AbortSignal): Promise<OpenJournal> {
  using owned = new DisposableStack()
  const file = await openRegular(bytePath(root, path), signal)
  owned.use(file.handle)
  const header = await readHeader(file, signal)
  owned.move()
  return { ...file, header }
}

/** Opens a journal file that was seen before. Throws where another one has its path now. */
export async function reopenJournal(root: string, { path, header }: JournalFile, signal: AbortSignal) {
  const file = await openJournal(root, path, signal)
  if (file.header.fileId === header.fileId) return file
  file.handle[Symbol.dispose]()
  throw cannot(`open ${shownName(path)}`, 'it is not the file that was found there before')
}

/** The header as it is now; a live file's changes with every entry. */
export async function readHeader({ path, handle }: OpenFile, signal: AbortSignal): Promise<JournalHeader> {
  const header = parseHeader(await handle.bytesAt(0, HEADER_BYTES, signal))
  if (header === undefined) throw new Error(`cannot take ${path}: it does not begin as a journal file does`)
  return header
}

/** Whether it is the host's own: what its users log themselves may lie in files of theirs (SplitMode= in journald.conf(5)). */
export const isHosts = ({ stem }: Pick<JournalFile, 'stem'>): boolean => stem === 'system'

/** A user with many user ids has as many files. */
function hostsFirst(files: readonly string[]): readonly string[] {
  return files.toSorted((a, b) => Number(b.startsWith('system')) - Number(a.startsWith('system')))
}

async function list(
  root: string,
  directory: string,
  problems: Problem[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  using limit = withinOwn(FILE_MS, signal)
  try {
    return await abandonable(readdir(bytePath(root, directory), 'latin1'), limit.signal)
  } catch (error) {
    signal.throwIfAborted()
    const reason = limit.signal.aborted ? unanswered(directory) : sentence(error)
    if (!isAbsent(error)) problems.push({ path: directory, reason })
    return []
  }
}
