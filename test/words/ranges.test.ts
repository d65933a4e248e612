import t from 'tap'
import { joined, lengthOf, overlaps } from '../../agent/words/ranges.ts'

const range = (from: number, to: number) => ({ from, to })

t.test('ranges that touch are one, and none goes beyond the end', async (t) => {
  t.same(joined([range(20, 30), range(0, 10), range(10, 12), range(25, 28)]), [range(0, 12), range(20, 30)])
  t.same(joined([range(0, 10), range(5, 40), range(50, 60)], 30), [range(0, 30)])
  t.same(joined([range(5, 5), range(9, 3), range(40, 50)], 30), [], 'empty ones, and what is beyond')
  t.same(joined([range(0, 10), range(8, 40)], 9), [range(0, 9)])
  t.equal(lengthOf([range(0, 12), range(20, 30)]), 22)
  t.equal(lengthOf([]), 0)
})

t.test('what overlaps has a byte in common', async (t) => {
  const some = [range(10, 20), range(30, 40)]
  for (const [from, to] of [
    [0, 11],
    [19, 30],
    [39, 50],
    [12, 13],
    [0, 50],
  ] as const)
    t.ok(overlaps(some, from, to))
  for (const [from, to] of [
    [0, 10],
    [20, 30],
    [40, 50],
  ] as const)
    t.notOk(overlaps(some, from, to))
})
