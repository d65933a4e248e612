import { formatBytes } from '../../words/units.ts'
import { librariesApart } from '../terminal/libraries-apart.ts'
import type { Line } from '../terminal/line.ts'
import { toldOf } from '../terminal/refused.ts'
import { type Screen, table } from '../terminal/table.ts'
import { statusStyle } from '../verdict/show-lines.ts'
import type { Verified } from './verify-bundle.ts'

/** What was verified, for people. */
export function verifyLines(verified: readonly Verified[], screen: Screen): Line[] {
  const columns = [
    { title: 'STATUS', style: statusStyle },
    { title: 'STORED', align: 'right' },
    { title: 'CHECKED' },
    { title: 'ARTIFACT' },
  ] as const
  const { told, more } = toldOf(verified)
  const { others, libraries, told: some } = librariesApart(told)
  const [first] = libraries
  const stored = libraries.reduce((sum, { bytes }) => sum + bytes, 0)
  const one = first === undefined ? [] : [[first.status, formatBytes(stored), first.checked.join(' '), some]]
  const rows = others.flatMap(({ status, bytes, checked, artifact, reason }) => [
    [status, formatBytes(bytes), checked.join(' '), artifact],
    ...(reason === undefined ? [] : [['', '', '', reason]]),
  ])
  return table(columns, [...rows, ...one, ...more.map((line) => ['refused', '', '', line])], screen)
}

/** What verifying does not prove: for people, below what it found. */
export const NOT_PROVEN =
  'Who wrote it is not proven: hashes and receipts are the word of whoever could write below this prefix, and a seal names no sender.'
