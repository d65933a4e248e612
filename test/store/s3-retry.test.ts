import t from 'tap'
import { S3Error } from '../../agent/store/s3/failure.ts'
import { pauseAfter, retry } from '../../agent/store/s3/retry.ts'
import { clockSkew } from '../../agent/store/s3/skew.ts'

const signal = new AbortController().signal
const error = (failure: 'transient' | 'denied', doubtful = false) => new S3Error(failure, failure, '', doubtful)

t.test('pauses grow to a limit, and are anything below it', async (t) => {
  t.same(
    [1, 2, 3, 4, 5, 6, 7, 100].map((tries) => pauseAfter(tries, 1)),
    [100, 200, 400, 800, 1600, 3000, 3000, 3000],
  )
  t.equal(pauseAfter(4, 0), 0)
  t.equal(pauseAfter(4, 0.5), 400)
})

t.test('only what may work later is tried again', async (t) => {
  let tries = 0
  const failing = (what: unknown) =>
    retry(
      async () => {
        tries += 1
        throw what
      },
      3,
      signal,
    )
  await t.rejects(failing(error('transient')), { failure: 'transient' } as unknown as Error)
  t.equal(tries, 3)
  await t.rejects(failing(error('denied')), { failure: 'denied' } as unknown as Error)
  await t.rejects(failing(new TypeError('a mistake of ours')), TypeError)
  t.equal(tries, 5)
})

t.test('doubt stays, once there is a reason for it', async (t) => {
  const doubts: boolean[] = []
  const outcomes = [error('transient'), error('transient', true), error('transient')]
  await retry(
    async (doubtful) => {
      doubts.push(doubtful)
      const outcome = outcomes.shift()
      if (outcome !== undefined) throw outcome
    },
    10,
    signal,
  )
  t.same(doubts, [false, false, true, true])
})

t.test('when the signal ends, the last real failure is told', async (t) => {
  const controller = new AbortController()
  let tries = 0
  const trying = retry(
    async () => {
      tries += 1
      if (tries === 1) throw new S3Error('transient', 'the store was busy', '', false)
      controller.abort()
      throw new S3Error('transient', 'aborted', '', true)
    },
    10,
    controller.signal,
  )
  await t.rejects(trying, { message: 'the store was busy' } as unknown as Error)
  t.equal(tries, 2)
})

t.test('the clock skew is the date against the middle of the round trip', async (t) => {
  const noon = Date.UTC(2026, 0, 1, 12)
  const date = 'Thu, 01 Jan 2026 12:00:00 GMT'
  t.equal(clockSkew(date, noon, noon + 1000), 0)
  t.equal(clockSkew(date, noon + 60_000, noon + 60_200), -59_600)
  t.equal(clockSkew('Thu, 01 Jan 2026 13:00:00 GMT', noon, noon), 3_600_500)
  t.equal(clockSkew(undefined, noon, noon), undefined)
  t.equal(clockSkew('yesterday', noon, noon), undefined)
})
