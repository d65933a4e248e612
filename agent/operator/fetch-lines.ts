import { formatBytes } from '../settings/units.ts'
import type { Fetched } from './fetch-artifact.ts'
import { librariesApart } from './libraries-apart.ts'
import type { Line } from './line.ts'
import { toldOf } from './refused.ts'
import { statusStyle } from './show-lines.ts'
import { type Screen, table } from './table.ts'

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
