import t from 'tap'
import { pauseAfter, retry } from '../../agent/store/retry.ts'
import { StoreError } from '../../agent/store/store.ts'

const signal = new AbortController().signal
const error = (failure: 'transient' | 'denied', doubtful = false) => new StoreError(failure, failure, { doubtful })

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
      if (tries === 1) throw error('transient')
      controller.abort()
      throw new StoreError('transient', 'aborted', { doubtful: true })
    },
    10,
    controller.signal,
  )
  await t.rejects(trying, { message: 'transient' } as unknown as Error)
  t.equal(tries, 2)
})
