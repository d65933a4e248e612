import { formatBytes } from '../settings/units.ts'
import type { Fetched } from './fetch-artifact.ts'
import type { Line } from './line.ts'
import { statusStyle } from './show-lines.ts'
import { type Screen, table } from './table.ts'

/** Artifacts that were refused, of how many it is told why. */
const REFUSED_TOLD = 10

/** What was fetched, for people: where each artifact is, and why one is not as it should be. */
export function fetchLines(fetched: readonly Fetched[], screen: Screen): Line[] {
  const columns = [
    { title: 'STATUS', style: statusStyle },
    { title: 'SIZE', align: 'right' },
    { title: 'FILE' },
  ] as const
  const refused = fetched.filter(({ status }) => status === 'refused')
  const untold = new Set(refused.slice(REFUSED_TOLD))
  const rows = fetched
    .filter((one) => !untold.has(one))
    .flatMap(({ status, bytes, path, artifact, reason }) => [
      [status, formatBytes(bytes), status === 'missing' ? artifact : path],
      ...(reason === undefined ? [] : [['', '', reason]]),
    ])
  if (untold.size > 0)
    rows.push(['refused', '', `${untold.size} more, for the same reason or another; -o json has all`])
  return table(columns, rows, screen)
}
