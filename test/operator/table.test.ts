import t from 'tap'
import { type Column, table, wrap } from '../../agent/operator/table.ts'

const columns: readonly Column[] = [
  { title: 'STATUS', style: (text) => (text === 'bad' ? 'red' : undefined) },
  { title: 'SIZE', align: 'right' },
  { title: 'WHY' },
]
const rows = [
  ['ok', '1KiB', ''],
  ['bad', '12MiB', 'because of what follows here'],
]

t.test('plain: columns align, and nothing trails', async (t) => {
  t.strictSame(table(columns, rows, { width: undefined, colours: false }), [
    'STATUS   SIZE  WHY',
    'ok       1KiB',
    'bad     12MiB  because of what follows here',
  ])
})

t.test('on a terminal the last column is wrapped and indented', async (t) => {
  t.strictSame(table(columns, rows, { width: 32, colours: false }).slice(2), [
    'bad     12MiB  because of what',
    '               follows here',
  ])
  t.equal(table(columns, rows, { width: 20, colours: false }).length, 3, 'not where there is no room for it')
})

t.test('colours do not disturb the columns, and cells cannot bring their own', async (t) => {
  const [, , line] = table(columns, [...rows, ['x', '\x1b[31m', 'y']], { width: 80, colours: true })
  t.equal(line, '\x1b[31mbad   \x1b[39m       12MiB  because of what follows here')
  t.match(table(columns, [['x', '\x1b[31m', 'y']], { width: 80, colours: false })[1], /\\u\{1b\}\[31m/)
})

t.test('wrapping keeps every word', async (t) => {
  t.strictSame(wrap('one two three', 7), ['one two', 'three'])
  t.strictSame(wrap('immeasurable x', 5), ['immeasurable', 'x'])
  t.strictSame(wrap('', 5), [''])
})
