import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { inParallel } from '../../agent/words/in-parallel.ts'

t.test('a few at a time, begun in order, and answers in the order of the items', async (t) => {
  const begun: number[] = []
  let [under, most] = [0, 0]
  const work = async (item: number) => {
    begun.push(item)
    most = Math.max(most, ++under)
    for (let turns = 0; turns < 8 - item; turns++) await turn()
    under--
    return item * 2
  }
  async function* coming() {
    yield* [1, 2, 3, 4, 5, 6, 7]
  }
  for (const items of [[1, 2, 3, 4, 5, 6, 7], new Set([1, 2, 3, 4, 5, 6, 7]), coming()]) {
    begun.length = 0
    most = 0
    t.same(await inParallel(items, 3, work), [2, 4, 6, 8, 10, 12, 14])
    t.same(begun, [1, 2, 3, 4, 5, 6, 7])
    t.equal(most, 3)
  }
  t.same(await inParallel([], 3, work), [])
})

t.test('the first error ends it: nothing more is begun, and what is on its way is awaited', async (t) => {
  const begun: number[] = []
  let [closed, ended] = [false, false]
  function* items() {
    try {
      yield* [1, 2, 3, 4]
    } finally {
      closed = true
    }
  }
  const work = async (item: number) => {
    begun.push(item)
    if (item === 2) throw new Error('two')
    for (let turns = 0; turns < 5; turns++) await turn()
    ended = true
    throw new Error('a later one')
  }
  await t.rejects(inParallel(items(), 2, work), { message: 'two' })
  t.same({ begun, closed, ended }, { begun: [1, 2], closed: true, ended: true })
})

t.test('and so does one of who gives the items', async (t) => {
  async function* items() {
    yield 1
    throw new Error('no more')
  }
  await t.rejects(
    inParallel(items(), 4, async () => {}),
    { message: 'no more' },
  )
})
