import t from 'tap'
import { inTurns } from '../../../agent/collector/host/in-turns.ts'

t.test('however many one has, the turn of the others comes', async (t) => {
  t.same(
    inTurns(['a1', 'a2', 'a3', 'b1', 'c1', 'b2'], (item) => item[0]),
    ['a1', 'b1', 'c1', 'a2', 'b2', 'a3'],
  )
  t.same(inTurns([], String), [])
})
