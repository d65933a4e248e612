import { formatBytes } from '../../words/units.ts'
import { librariesApart } from '../terminal/libraries-apart.ts'
import type { Line } from '../terminal/line.ts'
import { toldOf } from '../terminal/refused.ts'
import { type Screen, table } from '../terminal/table.ts'
import { statusStyle } from '../verdict/show-lines.ts'
import type { Fetched } from './fetch-artifact.ts'

/** What was fetched, for people: where each artifact is, and why one is not as it should be. */
export function fetchLines(fetched: readonly Fetched[], screen: Screen): Line[] {
  const columns = [
    { title: 'STATUS', style: statusStyle },
    { title: 'SIZE', align: 'right' },
    { title: 'FILE' },
  ] as const
  const { told, more } = toldOf(fetched)
  const { others, libraries, told: some } = librariesApart(told)
  const size = libraries.reduce((sum, { bytes }) => sum + bytes, 0)
  const one = some === '' ? [] : [[libraries[0]?.status ?? '', formatBytes(size), some]]
  const rows = others.flatMap(({ status, bytes, path, artifact, reason }) => [
    [status, formatBytes(bytes), status === 'missing' ? artifact : path],
    ...(reason === undefined ? [] : [['', '', reason]]),
  ])
  return table(columns, [...rows, ...one, ...more.map((line) => ['refused', '', line])], screen)
}
