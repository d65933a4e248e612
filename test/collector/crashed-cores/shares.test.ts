import t from 'tap'
import { shareOut, type Wish } from '../../../agent/collector/crashed-cores/shares.ts'

const TIERS = [
  { weight: 2, most: 100 },
  { weight: 1, most: 100 },
  { weight: 1, most: 10 },
]
const wish = (item: string, owner: number, tier: number, bytes = 1): Wish<string> => ({ item, bytes, owner, tier })
const many = (count: number, name: string, owner: number, tier: number, bytes = 1) =>
  Array.from({ length: count }, (_, n) => wish(`${name}${n}`, owner, tier, bytes))
const share = (wishes: readonly Wish<string>[], bytes: number, places = 100) => [
  ...shareOut(wishes, TIERS, { bytes, places }),
]
const count = (chosen: readonly string[], name: string) => chosen.filter((item) => item.startsWith(name)).length

t.test('alone one gets all that there is', async (t) => {
  t.equal(share(many(200, 'a', 1, 0), 1000).length, 100)
  t.equal(share(many(200, 'a', 1, 0), 30).length, 30)
  t.equal(share(many(200, 'a', 1, 2), 1000).length, 10, 'as far as the tier ever goes')
  t.same(share([wish('big', 1, 0, 50), wish('small', 1, 0, 5)], 20), ['small'], 'a big one keeps no smaller one out')
  t.same(share([], 20), [])
})

t.test('an owner cannot push out another', async (t) => {
  const chosen = share([...many(500, 'flood', 1, 0), wish('root', 0, 0), ...many(500, 'more', 2, 0)], 1000)
  t.equal(count(chosen, 'root'), 1)
  t.equal(count(chosen, 'flood') + count(chosen, 'more'), 99)
  t.ok(Math.abs(count(chosen, 'flood') - count(chosen, 'more')) <= 1)
  const bytes = share([...many(20, 'flood', 1, 0, 10), wish('root', 0, 0, 40), wish('root again', 0, 0, 40)], 160)
  t.equal(count(bytes, 'root'), 2, 'nor by bytes')
  t.equal(count(bytes, 'flood'), 8)
  t.same(share([wish('all', 1, 0, 100), wish('root', 0, 0, 40)], 100), ['root'], 'what is beyond a share comes last')
})

t.test('a tier cannot push out another, and what one leaves is for the others', async (t) => {
  const floods = [...many(500, 'users', 1000, 1), ...many(500, 'anybody', 2000, 2)]
  const chosen = share([...floods, ...many(60, 'root', 0, 0)], 1000)
  t.equal(count(chosen, 'root'), 60, 'its half, and what nobody else takes')
  t.equal(count(chosen, 'anybody'), 10)
  t.equal(count(chosen, 'users'), 30)
  const reverse = share([...many(500, 'root', 0, 0), wish('anybody', 2000, 2)], 1000)
  t.equal(count(reverse, 'root'), 99)
  t.equal(count(reverse, 'anybody'), 1)
})

t.test('very many owners of one tier leave the others alone', async (t) => {
  const owners = Array.from({ length: 5000 }, (_, n) => wish(`anybody${n}`, 100_000 + n, 2, 10))
  const chosen = share([...owners, wish('root', 0, 0, 500)], 1000)
  t.equal(count(chosen, 'root'), 1)
  t.equal(count(chosen, 'anybody'), 10)
})
