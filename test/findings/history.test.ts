import t from 'tap'
import { growthBefore } from '../../agent/findings/history.ts'

const MIB = 2 ** 20
const series = (unit: string, ...mib: readonly number[]) => ({
  unit,
  points: mib.map((size, index) => ({ at: index * 5000, bytes: size * MIB })),
})

t.test('who had grown most, from when on', (t) => {
  const memory = [series('big.service', 900, 900, 901, 900, 900), series('leak.service', 40, 40, 90, 300, 512)]
  t.same(growthBefore({ memory }, 20_000), { unit: 'leak.service', from: 40 * MIB, to: 512 * MIB, since: 5000 })
  t.same(growthBefore({ memory }, 10_000)?.to, 90 * MIB, 'what came later is not looked at')
  t.equal(growthBefore({ memory: [series('big.service', 900, 901, 905)] }, 20_000), undefined, 'that is no growth')
  t.equal(growthBefore(undefined, 20_000), undefined)
  t.end()
})

t.test('a leak that gives something back on the way, and one that was ended before', (t) => {
  const dips = series('leak.service', 40, 200, 190, 400, 390, 600)
  t.match(growthBefore({ memory: [dips] }, 60_000), { from: 40 * MIB, since: 0 })
  const twice = series('leak.service', 500, 40, 300, 600)
  t.match(growthBefore({ memory: [twice] }, 60_000), { from: 40 * MIB, since: 5000 })
  t.end()
})
