import { open, readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { FILE_MODE, makeDirectory, syncDirectory } from '../store/directory/durable.ts'
import { onDisk } from '../store/directory/failure.ts'

/** What a host has written down of a bundle in its spool. */
export interface Record {
  /** The store that it began in. */
  readonly store: string | undefined
  /** Keys under which a request may have left that makes the whole object. */
  readonly sent: ReadonlySet<string>
}

export type Line = { readonly store: string } | { readonly sent: string }

/** A record of 25,000 keys of the greatest length is as large: what is beyond is not ours. */
const MOST_BYTES = 32 * 1024 * 1024

/** Reads a record; of one that is torn or strange, what can be read. Throws a StoreError where the disk fails. */
export async function readRecord(path: string, signal: AbortSignal): Promise<Record> {
  const text = await onDisk(`read ${path}`, signal, async () => {
    const found = await stat(path).catch(orMissing)
    return found?.isFile() && found.size <= MOST_BYTES ? await readFile(path, 'utf8') : ''
  })
  let store: string | undefined
  const sent = new Set<string>()
  // What comes after the last end of a line was not written to its end: nothing has come of it.
  for (const line of text.split('\n').slice(0, -1)) {
    const [, word, rest] = /^(store|sent) (.+)$/.exec(line) ?? []
    if (word === 'sent' && rest !== undefined) sent.add(rest)
    if (word === 'store') store ??= rest
  }
  return { store, sent }
}

/** Adds a line, which outlives a power cut from when this returns. Throws a StoreError. */
export async function addLine(path: string, line: Line, signal: AbortSignal): Promise<void> {
  const text = 'store' in line ? `store ${line.store}` : `sent ${line.sent}`
  await onDisk(`write ${path}`, signal, async () => {
    await makeDirectory(dirname(path))
    const isNew = (await stat(path).catch(orMissing)) === undefined
    await using file = await open(path, 'a', FILE_MODE)
    // A line of its own, whatever a power cut has left of the one before.
    await file.writeFile(`\n${text}\n`)
    await file.datasync()
    if (isNew) await syncDirectory(dirname(path))
  })
}

function orMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
