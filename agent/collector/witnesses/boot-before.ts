import { type Evidence, type Line, noEvidence, type UnitFailure } from '../../findings/evidence.ts'
import type { KernelMessage } from '../../findings/kernel-words.ts'
import type { BootBefore } from '../host/boot-before.ts'
import { newestEntries } from '../host/journal/newest.ts'
import { stopBegan } from '../host/journal/ordered-stop.ts'
import { isHosts, type JournalFile, openJournal, scanJournals } from '../host/journal/scan.ts'
import type { JournalTestimony } from './journal.ts'
import { LINE_LENGTH, LINES_WITHIN_MS, lineOf } from './log-lines.ts'

/** Entries of each of its files that are looked at, the newest: 50 µs each. Its file is the next boot's, too, where journald has gone on with it. */
const MOST_ENTRIES = 5_000
const MOST_FILES = 4
/** ms before its end: what failed earlier, and was not started anew, is nothing that a host ends of. */
const LATELY_MS = 3_600_000

const FIELDS = ['MESSAGE', '_SYSTEMD_UNIT', '_TRANSPORT', 'SYSLOG_FACILITY']

/**
 * What the rules look at of the boot before, as its journal has it: what the kernel and the services said last, and which units failed. Undefined where there is no
 * journal of it, or a capture of its own has told what was wrong. What is damaged costs itself.
 */
export async function evidenceBefore(
  root: string,
  { id, remembered }: Pick<BootBefore, 'id' | 'remembered'>,
  { unitFailures, restarts }: Pick<JournalTestimony, 'unitFailures' | 'restarts'>,
  signal: AbortSignal,
): Promise<Evidence | undefined> {
  if (id === undefined || remembered?.captured === true) return undefined
  const { files } = await scanJournals(root, signal)
  const newest = files
    .filter((file) => isHosts(file) && file.namespace === '')
    .toSorted((a, b) => b.header.tailRealtime - a.header.tailRealtime)
  const said = (await Promise.all(newest.slice(0, MOST_FILES).map((file) => saidIn(root, file, id, signal)))).flat()
  const last = Math.max(...said.map(({ at }) => at))
  if (!Number.isFinite(last)) return undefined
  const stops = await Promise.all(newest.slice(0, MOST_FILES).map((file) => stopBegan(root, file, id, last, signal)))
  const began = Math.min(last, ...stops.flatMap((at) => at ?? []))
  const inOrder = said.toSorted((a, b) => a.at - b.at)
  return {
    ...noEvidence(began),
    kernel: inOrder.flatMap(({ kernel }) => kernel ?? []),
    lines: inOrder.flatMap(({ line, at }) => (line !== undefined && at > began - LINES_WITHIN_MS ? [line] : [])),
    ...{ unitFailures, restarts, failed: failedBy(began, unitFailures, restarts) },
  }
}

interface Said {
  readonly at: number
  readonly kernel?: KernelMessage
  readonly line?: Line
}

/** The oldest first. */
async function saidIn(root: string, { path }: JournalFile, id: string, signal: AbortSignal): Promise<readonly Said[]> {
  const said: Said[] = []
  try {
    using handle = (await openJournal(root, path, signal)).handle
    for await (const { fields, at, bootId } of newestEntries(handle, FIELDS, MOST_ENTRIES, 0, signal)) {
      if (bootId !== id) continue
      const text = fields.get('MESSAGE')?.slice(0, LINE_LENGTH)
      // What programs write into the kernel's log bears another facility: devkmsg_write() of kernel/printk/printk.c.
      const isKernels = fields.get('_TRANSPORT') === 'kernel' && fields.get('SYSLOG_FACILITY') === '0'
      const line = lineOf(fields, at)
      said.push({ at, ...(isKernels && text !== undefined ? { kernel: { at, text } } : line && { line }) })
    }
  } catch {
    signal.throwIfAborted()
  }
  return said.reverse()
}

/** Units that had failed when it ended: nobody has said that they were to be started anew. */
function failedBy(
  began: number,
  failures: readonly UnitFailure[],
  restarts: JournalTestimony['restarts'],
): readonly string[] {
  const last = new Map(failures.toSorted((a, b) => a.at - b.at).map(({ unit, at }) => [unit, at]))
  return [...last].flatMap(([unit, at]) => {
    const isOver = restarts.some((restart) => restart.unit === unit && restart.at >= at)
    return isOver || at < began - LATELY_MS ? [] : [unit]
  })
}
