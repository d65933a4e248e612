import { countOf } from '../../../words/count-of.ts'
import type { InventoryGap } from '../../../words/evidence.ts'
import { shownName } from '../../../words/host-name.ts'
import type { Problem, Walked } from './walked.ts'

const OF_FILES = { source: 'files', class: 'text' } as const

/** Nobody asked for logs, as there is nobody whom they could be sealed to. */
export function unaskedGap(reason: string): InventoryGap {
  return { ...OF_FILES, status: 'skipped', reason }
}

export function absentGap(patterns: readonly string[]): InventoryGap {
  return { ...OF_FILES, status: 'absent', reason: `no file is there for files.paths = ${patterns.join(', ')}` }
}

/** What is no regular file, and is not opened: nothing is missing of it. */
export function strangeGaps({ strange, strangeCount }: Walked): readonly InventoryGap[] {
  const rest = strangeCount - strange.length
  const told = strange.map(({ path, what }): InventoryGap => {
    return {
      ...OF_FILES,
      status: 'absent',
      reason: `${shownName(path)} is ${what}, and not opened`,
      identity: { path: shownName(path) },
    }
  })
  const more = `${countOf(rest, 'more link or special file', 'more links and special files')}, not opened`
  return rest > 0 ? [...told, { ...OF_FILES, status: 'absent', reason: more }] : told
}

/** What was not looked at. */
export function problemGaps({ problems, problemCount }: Walked): readonly InventoryGap[] {
  const rest = problemCount - problems.length
  const told = problems.map((problem) => gapOf(problem, `cannot look at ${shownName(problem.path)}: ${problem.reason}`))
  return rest > 0
    ? [...told, { ...OF_FILES, status: 'failed', reason: `cannot look at ${countOf(rest, 'more file')}` }]
    : told
}

/** What a setting, or a bound of ours, leaves out. */
export function leftOutGaps(leftOut: readonly Problem[]): readonly InventoryGap[] {
  return leftOut.map((problem) => gapOf(problem, problem.reason))
}

function gapOf({ path, because }: Problem, reason: string): InventoryGap {
  const status = because === 'limit' ? 'skipped' : 'failed'
  return { ...OF_FILES, status, because, reason, identity: { path: shownName(path) } }
}
