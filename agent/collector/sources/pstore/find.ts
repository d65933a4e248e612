import type { Stats } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { sentence } from '../../../words/cannot.ts'
import { abandonable } from '../../../words/deadline.ts'
import { bytePath, shownName } from '../../../words/host-name.ts'
import { isAbsent } from '../../host/absent.ts'

/** Where records lie that the firmware keeps, and where systemd-pstore(8) puts them at boot. */
export const KERNELS = '/sys/fs/pstore'
export const ARCHIVE = '/var/lib/systemd/pstore'
/** Directories below the archive: one for each record, and one more where its parts are of several events. */
const DEPTH = 2
/** Entries that are looked at: a panic is up to some 64 parts. */
const MOST_ENTRIES = 2000
/** What systemd-pstore puts together of the parts `dmesg-<backend>-<id>` beside it. */
const WHOLE = 'dmesg.txt'
const PART = /^dmesg-/

/** A file of a kernel that has gone. */
export interface Record {
  /** Absolute path on the host, a character for each byte. */
  readonly path: string
  readonly isArchived: boolean
  readonly stats: Stats
}

export interface Records {
  readonly files: readonly Record[]
  /** A sentence for each place that could not be looked into, or not all. */
  readonly problems: readonly string[]
}

/** What lies in both places, by stat only; parts that were put together are left out. Rejects only when the signal aborts. */
export async function findRecords(root: string, signal: AbortSignal): Promise<Records> {
  const found = { files: [] as Record[], problems: [] as string[] }
  await look(root, KERNELS, 0, found, signal)
  await look(root, ARCHIVE, DEPTH, found, signal)
  return found
}

async function look(
  root: string,
  directory: string,
  depth: number,
  found: { readonly files: Record[]; readonly problems: string[] },
  signal: AbortSignal,
): Promise<void> {
  try {
    const names = await abandonable(readdir(bytePath(root, directory), 'latin1'), signal)
    const isWhole = names.includes(WHOLE)
    for (const name of names.toSorted()) {
      if (isWhole && PART.test(name)) continue
      if (found.files.length >= MOST_ENTRIES) throw new Error(`there are more than ${MOST_ENTRIES} files`)
      const path = join(directory, name)
      const stats = await abandonable(lstat(bytePath(root, path)), signal)
      if (stats.isFile()) found.files.push({ path, isArchived: directory.startsWith(ARCHIVE), stats })
      else if (stats.isDirectory() && depth > 0) await look(root, path, depth - 1, found, signal)
    }
  } catch (error) {
    signal.throwIfAborted()
    if (!isAbsent(error)) found.problems.push(`cannot look into ${shownName(directory)}: ${sentence(error)}`)
  }
}
