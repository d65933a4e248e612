import { globSync, readFileSync } from 'node:fs'
import t from 'tap'
import { isoSecond, isoTime } from '../../agent/words/instant.ts'

t.test('an instant', async (t) => {
  t.equal(isoTime(0), '1970-01-01T00:00:00.000Z')
  t.equal(isoSecond(1_796_047_586_123.7), '2026-11-30T14:06:26Z')
  t.equal(isoTime(-62_167_219_200_000), '0000-01-01T00:00:00.000Z')
  t.equal(isoTime(253_402_300_799_999), '9999-12-31T23:59:59.999Z')
})

t.test('what no calendar has', async (t) => {
  const times = [undefined, Number.NaN, Infinity, -Infinity, 2 ** 64 / 1000, 8.64e15, 253_402_300_800_000, -1e14]
  for (const at of times) t.equal(isoTime(at), undefined, String(at))
})

t.test('nothing else makes text of times', async (t) => {
  const throwing = /\.toISOString\(|\.toJSON\(|Intl\.|\.toLocale(?:Date|Time)?String\(/
  const files = globSync('agent/**/*.ts').filter((file) => file !== 'agent/words/instant.ts')
  t.ok(files.length > 100)
  t.strictSame(
    files.filter((file) => throwing.test(readFileSync(file, 'utf8'))),
    [],
  )
})
