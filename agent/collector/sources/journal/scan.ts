import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { cannot, sentence } from '../../../cannot.ts'
import { type OpenFile, openRegular } from '../../read-file.ts'
import { HEADER_BYTES, type JournalHeader, parseHeader } from './header.ts'

/** Where journald keeps its files: persistent and volatile (systemd-journald.service(8)). */
const PLACES = ['/var/log/journal', '/run/log/journal']

/** `<machine id>` or, for a journald instance of its own, `<machine id>.<namespace>`. */
const DIRECTORY = /^[0-9a-f]{32}(?:\.(.+))?$/
/** `system.journal` is written to, `system@….journal` is archived, `system@….journal~` was found damaged or not closed. */
const FILE = /^([^@]+)(@.+)?\.journal(~)?$/

/** Files of one directory that are looked at. journald keeps 100 archived ones (SystemMaxFiles=), and a live one for each user. */
const MOST_FILES = 1000

export interface JournalFile {
  /** Absolute path on the host. */
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

export interface Scan {
  readonly files: readonly JournalFile[]
  /** A sentence for each directory or file that could not be looked at. */
  readonly problems: readonly string[]
}

/** All journal files below `root`, with their headers: one small read per file, the cheapest way to know its boot. */
export async function scanJournals(root: string, signal: AbortSignal): Promise<Scan> {
  const files: JournalFile[] = []
  const problems: string[] = []
  for (const place of PLACES) {
    for (const name of await list(root, place, problems)) {
      const namespace = DIRECTORY.exec(name)
      if (namespace === null) continue
      const directory = `${place}/${name}`
      const names = hostsFirst(await list(root, directory, problems))
      if (names.length > MOST_FILES)
        problems.push(
          `${names.length - MOST_FILES} users' files in ${directory} were not looked at: there are too many`,
        )
      for (const file of names.slice(0, MOST_FILES)) {
        const [, stem, archived, dirty] = FILE.exec(file) ?? []
        if (stem === undefined) continue
        const path = `${directory}/${file}`
        try {
          const opened = await openJournal(root, path, signal)
          await opened.handle.close()
          files.push({
            path,
            directory,
            namespace: namespace[1] ?? '',
            stem,
            archived: archived !== undefined,
            dirty: dirty !== undefined,
            size: opened.stats.size,
            header: opened.header,
          })
        } catch (error) {
          signal.throwIfAborted()
          // Renamed or vacuumed since it was listed: then it is no file any more.
          if (!isMissing(error)) problems.push(sentence(error))
        }
      }
    }
  }
  return { files, problems }
}

export type OpenJournal = OpenFile & { readonly header: JournalHeader }

/** Opens a journal file of the host and reads its header. */
export async function openJournal(root: string, path: string, signal: AbortSignal): Promise<OpenJournal> {
  const file = await openRegular(join(root, path), signal)
  try {
    return { ...file, header: await readHeader(file) }
  } catch (error) {
    await file.handle.close()
    throw error
  }
}

/** Opens a journal file that was seen before. Throws where another one has its path now. */
export async function reopenJournal(root: string, { path, header }: JournalFile, signal: AbortSignal) {
  const file = await openJournal(root, path, signal)
  if (file.header.fileId === header.fileId) return file
  await file.handle.close()
  throw cannot(`open ${path}`, 'it is not the file that was found there before')
}

/** The header as it is now; a live file's changes with every entry. */
export async function readHeader({ path, handle }: OpenFile): Promise<JournalHeader> {
  const head = Buffer.alloc(HEADER_BYTES)
  const { bytesRead } = await handle.read(head, 0, head.length, 0)
  const header = parseHeader(head.subarray(0, bytesRead))
  if (header === undefined) throw new Error(`cannot take ${path}: it does not begin as a journal file does`)
  return header
}

/** Whether it is the host's own: what its users log themselves may lie in files of theirs (SplitMode= in journald.conf(5)). */
export const isHosts = ({ stem }: Pick<JournalFile, 'stem'>): boolean => stem === 'system'

/** A user with many user ids has as many files. */
function hostsFirst(names: readonly string[]): readonly string[] {
  const files = names.filter((name) => FILE.test(name))
  return files.toSorted((a, b) => Number(b.startsWith('system')) - Number(a.startsWith('system')))
}

async function list(root: string, directory: string, problems: string[]): Promise<readonly string[]> {
  try {
    return await readdir(join(root, directory))
  } catch (error) {
    if (!isMissing(error)) problems.push(sentence(error))
    return []
  }
}

function isMissing(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return ('code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) || isMissing(error.cause)
}
