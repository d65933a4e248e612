import t from 'tap'
import { keepTrying } from '../../agent/words/keep-trying.ts'
import { TestClock } from '../clock.ts'

/** When a host that fails these times was asked, and with what count, until it has been asked so often. */
async function asked(fails: (nth: number) => boolean, times: number) {
  const clock = new TestClock()
  const end = new AbortController()
  const seen: [at: number, failures: number][] = []
  const attempt = async (failures: number) => {
    seen.push([clock.now(), failures])
    if (seen.length === times) end.abort()
    return !fails(seen.length)
  }
  await clock.run(keepTrying(end.signal, attempt, clock))
  return seen
}

t.test('pauses grow with failures, up to a minute, and a success begins anew', async (t) => {
  const seen = await asked((nth) => nth !== 4, 6)
  t.strictSame(seen, [
    [0, 0],
    [500, 1],
    [1_500, 2],
    [3_500, 3],
    [3_750, 0],
    [4_250, 1],
  ])
  const many = await asked(() => true, 40)
  t.equal((many[39]?.[0] ?? 0) - (many[38]?.[0] ?? 0), 60_000)
})

t.test('the end ends the pause, and what has ended is not begun', async (t) => {
  const clock = new TestClock()
  const end = new AbortController()
  let times = 0
  const trying = keepTrying(end.signal, async () => ++times === 0, clock)
  setImmediate(() => end.abort())
  await trying
  await keepTrying(end.signal, async () => ++times === 0, clock)
  t.equal(times, 1)
})
