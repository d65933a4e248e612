import t from 'tap'
import { rendered } from '../../../agent/operator/terminal/line.ts'
import { type Column, table, wrap } from '../../../agent/operator/terminal/table.ts'

const columns: readonly Column[] = [
  { title: 'STATUS', style: (text) => (text === 'bad' ? 'red' : undefined) },
  { title: 'SIZE', align: 'right' },
  { title: 'WHY' },
]
const rows = [
  ['ok', '1KiB', ''],
  ['bad', '12MiB', 'because of what follows here'],
]

const shown = (width: number | undefined, given = rows, colours = false) =>
  table(columns, given, { width }).map((line) => rendered(line, colours))

t.test('plain: columns align, and nothing trails', async (t) => {
  t.strictSame(shown(undefined), ['STATUS   SIZE  WHY', 'ok       1KiB', 'bad     12MiB  because of what follows here'])
})

t.test('on a terminal the last column is wrapped and indented', async (t) => {
  t.strictSame(shown(32).slice(2), ['bad     12MiB  because of what', '               follows here'])
  t.equal(shown(20).length, 3, 'not where there is no room for it')
})

t.test('colours do not disturb the columns, and cells cannot bring their own', async (t) => {
  const hostile = ['x', '\x1b[31m', 'y']
  t.equal(shown(80, [...rows, hostile], true)[2], '\x1b[31mbad   \x1b[39m       12MiB  because of what follows here')
  t.match(shown(80, [hostile])[1], /\\u\{1b\}\[31m/)
})

t.test('wrapping keeps every word', async (t) => {
  t.strictSame(wrap('one two three', 7), ['one two', 'three'])
  t.strictSame(wrap('immeasurable x', 5), ['immeasurable', 'x'])
  t.strictSame(wrap('', 5), [''])
})
