import t from 'tap'
import { distance, nearest } from '../../agent/settings/nearest.ts'

t.test('counts insertions, deletions, substitutions and swaps', async (t) => {
  const table: [string, string, number][] = [
    ['', '', 0],
    ['', 'abc', 3],
    ['abc', '', 3],
    ['seal', 'seal', 0],
    ['sael', 'seal', 1],
    ['kitten', 'sitting', 3],
    ['ca', 'abc', 3],
    ['deadlin', 'deadline', 1],
  ]
  for (const [a, b, edits] of table) {
    t.equal(distance(a, b), edits, `${a} to ${b}`)
    t.equal(distance(b, a), edits, `${b} to ${a}`)
  }
})

t.test('gives up beyond its limit', async (t) => {
  t.equal(distance('kitten', 'sitting', 3), 3)
  t.equal(distance('kitten', 'sitting', 2), Number.POSITIVE_INFINITY)
  t.equal(distance('x'.repeat(1_000_000), 'seal', 2), Number.POSITIVE_INFINITY)
})

t.test('names the key that was meant', async (t) => {
  const keys = ['store', 'deadline', 'seal.recipients', 'seal.unsealed', 'journal.limit', 'cores.limit', 'seal']
  const table: [string, string | undefined][] = [
    ['deadlien', 'deadline'],
    ['sael', 'seal'],
    ['seal.recipient', 'seal.recipients'],
    ['recipients', 'seal.recipients'],
    ['core.limit', 'cores.limit'],
    ['cores.limits', 'cores.limit'],
    ['s3.unsealed', 'seal.unsealed'],
    ['live.freeze', undefined],
    ['x', undefined],
    ['', undefined],
  ]
  for (const [typed, meant] of table) t.equal(nearest(typed, keys), meant, typed)
})
