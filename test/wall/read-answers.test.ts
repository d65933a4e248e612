import t from 'tap'
import { readGap, readListedItem, readTaken } from '../../agent/wall/read-answers.ts'

const item = {
  id: 'cores:a',
  source: 'cores',
  name: 'cores/app@1.2-3_x.core.zst',
  class: 'memory',
  phase: 'stored',
  encoding: 'as-is',
  bytes: 1,
  ratio: 1,
  value: 1,
  identity: {},
  sealed: true,
}

t.test('what is as promised is believed', async (t) => {
  t.equal(readListedItem(item), item)
  t.ok(readListedItem({ ...item, closed: 'because', patience: 1000 }))
  t.ok(readGap({ source: 'cores', class: 'memory', status: 'absent', reason: 'nothing crashed' }))
  t.ok(readTaken({ bytesIn: 0, ms: 1.5 }))
})

t.test('a name that would leave the bundle, or any wrong type, is not', async (t) => {
  const names = [
    '',
    '/a',
    'a//b',
    '../a',
    'a/../b',
    'a/..',
    './a',
    'a/',
    'a b',
    'a\n',
    'a?b',
    'a%2e',
    'ü',
    'a'.repeat(513),
    7,
  ]
  for (const name of names) t.throws(() => readListedItem({ ...item, name }), /its name is not/, JSON.stringify(name))
  for (const key of Object.keys(item)) {
    t.throws(() => readListedItem({ ...item, [key]: [] }), /cannot trust the collector/, key)
    t.throws(() => readListedItem({ ...item, [key]: undefined }), /cannot trust the collector/, key)
  }
  for (const bad of [null, [], 'x', 3, { source: 'cores', class: 'memory', status: 'fine', reason: '' }])
    t.throws(() => readGap(bad), /cannot trust the collector/)
  for (const bad of [{}, { bytesIn: -1, ms: 1 }, { bytesIn: 1, ms: Number.NaN }, { bytesIn: 1, ms: 1, identity: 3 }])
    t.throws(() => readTaken(bad), /cannot trust the collector/)
})
