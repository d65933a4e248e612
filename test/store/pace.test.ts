import t from 'tap'
import { Pace } from '../../agent/store/pace.ts'

const MiB = 1024 * 1024

/** A pace with a clock of its own. */
function setUp() {
  let now = 1000
  const pace = new Pace(() => now)
  const after = (ms: number) => {
    now += ms
  }
  const sent = (bytes: number, ms: number) => {
    const under = pace.send(bytes)
    after(ms)
    under.landed()
  }
  return { pace, after, sent }
}

t.test('nothing is known before something has been answered for', async (t) => {
  const { pace, after } = setUp()
  pace.send(8 * MiB)
  after(60_000)
  t.same([pace.rate, pace.cautiousRate, pace.bytesWithin(1000)], [undefined, undefined, undefined])
  t.equal(pace.held, 8 * MiB)
})

t.test('small requests tell of round trips, and those are no matter of bytes', async (t) => {
  const { pace, sent } = setUp()
  for (let count = 0; count < 100; count++) sent(2_000, 100)
  t.equal(pace.rate, undefined)
  sent(1_000_000, 1_100)
  t.equal(pace.rate, 1_000_000)
  t.equal(pace.bytesWithin(2_100), 2_000_000)
  t.equal(pace.bytesWithin(50), 0)
})

t.test('the first bytes tell the rate, to the byte', async (t) => {
  const { pace, after, sent } = setUp()
  after(5_000)
  sent(1_000_000, 1_000)
  t.equal(pace.rate, 1_000_000)
  after(5_000)
  sent(1_000_000, 1_000)
  t.equal(pace.rate, 1_000_000, 'while nothing is under way nothing is counted')
})

t.test('what goes side by side shares the link', async (t) => {
  const { pace, after } = setUp()
  const parts = [pace.send(4 * MiB), pace.send(4 * MiB)]
  for (const [index, part] of parts.entries()) {
    after(index === 0 ? 8_000 : 0)
    part.landed()
  }
  t.equal(Math.round((pace.rate ?? 0) / 1024), 1024)
  t.equal(pace.held, 0)
})

t.test('what is under way goes first', async (t) => {
  const { pace, sent } = setUp()
  sent(0, 0)
  sent(1_000_000, 1000)
  pace.send(3_000_000)
  t.equal(pace.bytesWithin(4_000), 1_000_000)
  t.equal(pace.bytesWithin(1_000), 0)
})

t.test('a link that changes is known anew', async (t) => {
  const { pace, sent } = setUp()
  sent(0, 0)
  for (let count = 0; count < 1000; count++) sent(8 * MiB, 100)
  t.equal(Math.round((pace.rate ?? 0) / MiB), 80)
  for (let count = 0; count < 5; count++) sent(8 * MiB, 8_000)
  t.ok((pace.rate ?? 0) < 2 * MiB, 'slower')
  for (let count = 0; count < 20; count++) sent(8 * MiB, 100)
  t.ok((pace.rate ?? 0) > 20 * MiB, 'faster')
})

t.test('silence tells that the rate is less than was thought; of a small request it tells nothing', async (t) => {
  const { pace, after, sent } = setUp()
  sent(0, 0)
  sent(8 * MiB, 100)
  const small = pace.send(2_000)
  after(10_000)
  small.silent()
  t.equal(Math.round((pace.rate ?? 0) / MiB), 80)
  const part = pace.send(8 * MiB)
  after(10_000)
  part.silent()
  part.landed()
  t.equal(pace.cautiousRate, (8 * MiB) / 10)
  t.equal(Math.round((pace.rate ?? 0) / MiB), 80, 'what lands next may be as fast as before')
  t.equal(pace.held, 0, 'only the first end counts')
  sent(8 * MiB, 40_000)
  t.equal(Math.round(((pace.rate ?? 0) / MiB) * 40), 8)
  t.equal(pace.cautiousRate, pace.rate)
})

t.test('what is given up tells nothing', async (t) => {
  const { pace, after } = setUp()
  const part = pace.send(8 * MiB)
  after(10)
  part.lost()
  t.same([pace.rate, pace.held], [undefined, 0])
  await t.rejects(pace.during(8 * MiB, () => Promise.reject(new Error('no'))))
  t.same([pace.rate, pace.held], [undefined, 0])
  await pace.during(8 * MiB, async () => after(1000))
  t.equal(pace.rate, 8 * MiB)
})

t.test('one request carries no more than its connection, however many there are', async (t) => {
  const { pace, after } = setUp()
  const parts = Array.from({ length: 8 }, () => pace.send(8 * MiB))
  after(1_000)
  for (const part of parts) part.landed()
  t.ok((pace.rate ?? 0) > 60 * MiB)
  t.equal(pace.bytesWithin(500), 4 * MiB)
})
