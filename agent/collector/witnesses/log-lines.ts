import type { Line } from '../../findings/evidence.ts'
import { newestEntries } from '../host/journal/newest.ts'
import { isHosts, openJournal, scanJournals } from '../host/journal/scan.ts'

/** Lines that are looked at, the newest: 50 µs each. */
const MOST_LINES = 2_000
/** ms before the capture began: what was said earlier has passed. */
export const LINES_WITHIN_MS = 10 * 60_000
/** Characters of a line that rules look at: journald itself cuts at 48 KiB. */
export const LINE_LENGTH = 512

/** Services of the host: what users log in sessions and services of their own is their word. */
const SERVICE = /\.service$/
const OTHERS = /^(?:user@|lastgasp)/

/**
 * The newest lines that the host's services have logged since a time (ms since the epoch), the oldest first, as journald says whose they are. What cannot be read is left out:
 * whoever reads the deaths from the same files says so.
 */
export async function logLines(
  root: string,
  bootId: string | undefined,
  since: number,
  signal: AbortSignal,
): Promise<readonly Line[]> {
  const { files } = await scanJournals(root, signal)
  const newest = files
    .filter((file) => isHosts(file) && file.namespace === '' && file.header.tailRealtime / 1000 >= since)
    .toSorted((a, b) => b.header.tailRealtime - a.header.tailRealtime)
  const lines: Line[] = []
  for (const { path } of newest) {
    try {
      using handle = (await openJournal(root, path, signal)).handle
      for await (const { fields, at, bootId: of } of newestEntries(
        handle,
        FIELDS,
        MOST_LINES - lines.length,
        since,
        signal,
      )) {
        const line = bootId === undefined || of === bootId ? lineOf(fields, at) : undefined
        if (line !== undefined) lines.push(line)
      }
    } catch {
      signal.throwIfAborted()
    }
    if (lines.length >= MOST_LINES) break
  }
  return lines.toReversed()
}

const FIELDS = ['MESSAGE', '_SYSTEMD_UNIT'] as const

/** An entry as a line of one of the host's services; undefined where it is none. */
export function lineOf(fields: ReadonlyMap<string, string>, at: number): Line | undefined {
  const [text, unit] = FIELDS.map((name) => fields.get(name))
  if (text === undefined || unit === undefined || !SERVICE.test(unit) || OTHERS.test(unit)) return undefined
  return { unit, at, text: text.slice(0, LINE_LENGTH) }
}
