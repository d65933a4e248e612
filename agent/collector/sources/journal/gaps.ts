import { countOf } from '../../../words/count-of.ts'
import type { InventoryGap } from '../../../words/evidence.ts'
import { shownName } from '../../../words/host-name.ts'
import type { JournalFile, Problem } from '../../host/journal/scan.ts'

/** Files that have a receipt each before the rest is a number. */
const TOLD = 32
/** Names in one sentence. */
const NAMED = 3

/** There is no journal at all, or none of what is wanted. */
export function absentGap(reason = 'no journal files in /var/log/journal and /run/log/journal'): InventoryGap {
  return { ...OF_JOURNAL, status: 'absent', reason }
}

/** What could not be looked at: one receipt each. */
export function problemGaps(problems: readonly Problem[]): InventoryGap[] {
  return problems.map(({ path, reason }) => ({
    ...OF_JOURNAL,
    status: 'failed',
    reason,
    identity: { path: shownName(path) },
  }))
}

/** What a setting leaves out. */
export function leftOutGaps(reasons: readonly string[]): InventoryGap[] {
  return reasons.map((reason) => ({ ...OF_JOURNAL, status: 'skipped', reason }))
}

/** Files without a line: nothing is missing of them, and they were there. */
export function emptyGaps(files: readonly JournalFile[]): InventoryGap[] {
  const more = files.length - TOLD
  const rest: InventoryGap = {
    ...OF_JOURNAL,
    status: 'absent',
    reason: `${countOf(more, 'more journal file')} without entries`,
  }
  return [
    ...files.slice(0, TOLD).map((file): InventoryGap => {
      const path = shownName(file.path)
      return { ...OF_JOURNAL, status: 'absent', reason: `${path} holds no entries`, identity: { path } }
    }),
    ...(more > 0 ? [rest] : []),
  ]
}

/** What lies among the journals and is none of this host's, as those that systemd-journal-remote receives. */
export function strangeGaps(paths: readonly string[]): InventoryGap[] {
  if (paths.length === 0) return []
  const named = paths.slice(0, NAMED).map(shownName).join(', ')
  const more = paths.length > NAMED ? ` and ${paths.length - NAMED} more` : ''
  const reason = `no journal of this host by its name, and not looked at: ${named}${more}`
  return [{ ...OF_JOURNAL, status: 'skipped', reason }]
}

const OF_JOURNAL = { source: 'journal', class: 'text' } as const
