import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { sentence } from '../../../words/cannot.ts'
import { abandonable, within } from '../../../words/deadline.ts'
import { bytePath, shownName } from '../../../words/host-name.ts'
import { formatBytes } from '../../../words/units.ts'
import { connectVarlink, type Varlink } from './varlink.ts'

/** Sync and rotate take 50 ms each in a VM under emulation (systemd 252); a journald that needs longer hangs. */
const ROTATE_MS = 2_000

/**
 * A rotation makes a new file of 8 MiB (FILE_SIZE_INCREASE in systemd's journal-file.c) for each live one. Two rotations of
 * four files fit into this, and on a full disk the lines that are still to come need the space more than we do.
 */
export const SHORT_BYTES = 64 * 1024 * 1024

/** Whether the live files were archived; if not, why they are copied as they are. */
export type Rotation = { readonly rotated: true } | { readonly rotated: false; readonly reason: string }

/**
 * Has a journald write out what it has (Synchronize) and archive its files (Rotate), by its varlink socket: no fork.
 * `directories` are those of its live files, on the host. `given` is a connection to the main journald, whose socket serves
 * root only; undefined for root, who makes one. Never throws, and ends within ROTATE_MS.
 */
export async function rotateJournal(
  root: string,
  namespace: string,
  directories: readonly string[],
  given: Varlink | undefined,
  signal: AbortSignal,
): Promise<Rotation> {
  const limit = within(ROTATE_MS, signal)
  const socket = `/run/systemd/journal${namespace === '' ? '' : `.${namespace}`}/io.systemd.journal`
  try {
    const short = await abandonable(spaceShort(root, directories), limit)
    // Synchronize needs no space, and leaves a file that a copy can trust more.
    const methods = ['io.systemd.Journal.Synchronize', ...(short === undefined ? ['io.systemd.Journal.Rotate'] : [])]
    const errors = await call(join(root, socket), namespace === '' ? given : undefined, methods, limit)
    if (short !== undefined) return { rotated: false, reason: short }
    const error = errors.at(-1)
    return error === undefined ? { rotated: true } : { rotated: false, reason: `journald answered ${error}` }
  } catch (error) {
    const because = limit.aborted && !signal.aborted ? `no answer within ${ROTATE_MS} ms` : sentence(error)
    return { rotated: false, reason: `journald's ${socket}: ${because}` }
  }
}

/** Calls methods one after the other, by a connection that is there or by one of its own: the names of their errors. */
async function call(
  path: string,
  given: Varlink | undefined,
  methods: readonly string[],
  signal: AbortSignal,
): Promise<readonly (string | undefined)[]> {
  const varlink = given ?? connectVarlink(path)
  try {
    const errors: (string | undefined)[] = []
    for (const method of methods) errors.push(await varlink.call(method, signal))
    return errors
  } finally {
    if (given === undefined) varlink[Symbol.dispose]()
  }
}

async function spaceShort(root: string, directories: readonly string[]): Promise<string | undefined> {
  for (const directory of directories) {
    const { bavail, bsize } = await statfs(bytePath(root, directory))
    const free = bavail * bsize
    if (free < SHORT_BYTES) return `only ${formatBytes(free)} are free in ${shownName(directory)}`
  }
  return undefined
}
