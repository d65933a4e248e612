import t from 'tap'
import { keepWarm } from '../../../agent/daemon/standing/keep-warm.ts'
import { aborted } from '../../../agent/words/deadline.ts'
import { TestClock } from '../../clock.ts'

/** What is said of a store that warms up as `warm` has it, and when it was asked, until it has been asked so often. */
async function warmed(times: number, warm: (nth: number, signal: AbortSignal) => Promise<void>) {
  const clock = new TestClock()
  const end = new AbortController()
  const told: string[] = []
  const asked: number[] = []
  const store = {
    url: 's3://bucket',
    warm: async (signal: AbortSignal) => {
      if (asked.push(clock.now()) === times) end.abort()
      await warm(asked.length, signal)
    },
  }
  const say = (line: unknown) => void told.push(String(line))
  await clock.run(keepWarm(store, { info: say, warn: say }, end.signal, clock))
  return { told, asked }
}

t.test('what is warm is warmed again after five minutes, and nothing is said', async (t) => {
  const { told, asked } = await warmed(3, async () => {})
  t.strictSame(told, [])
  t.strictSame(asked, [0, 300_250, 600_500])
})

t.test('what fails is told once, and once more when it is there', async (t) => {
  const { told } = await warmed(5, async (nth) => {
    if (nth < 3) throw new Error('there is no route')
  })
  t.strictSame(told, ['cannot warm up s3://bucket: there is no route', 's3://bucket is at hand'])
})

t.test('a try that hangs ends after half a minute', async (t) => {
  const { told, asked } = await warmed(2, async (_, signal) => {
    await aborted(signal)
    throw signal.reason
  })
  t.equal(told.length, 1)
  t.strictSame(asked, [0, 30_500])
})
