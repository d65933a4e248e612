import t from 'tap'
import { type Blame, blamed, failure, NothingCame } from '../../agent/capture/blame.ts'
import { StoreError } from '../../agent/store/store.ts'
import { CollectorError } from '../../agent/wall/collector.ts'

t.test('who is behind an error', async (t) => {
  t.strictSame(failure(new CollectorError('seal', 'no recipient')), { because: 'seal', reason: 'no recipient' })
  t.strictSame(failure(new StoreError('denied', 'no')), { because: 'store', reason: 'no' })
  const blame: Blame = { because: 'host', reason: 'it hung' }
  t.strictSame(failure(new NothingCame(blame)), blame)
  t.strictSame(failure(new Error('aborted')), { because: 'deadline', reason: 'aborted' })
})

t.test('of what was stopped and could not be stored either, both are told, once', async (t) => {
  const stopped: Blame = { because: 'host', reason: 'it hung' }
  const failed: Blame = { because: 'store', reason: 'no' }
  t.strictSame(blamed(undefined, failed), failed)
  t.strictSame(blamed(stopped, failed), { because: 'host', reason: 'it hung; no' })
  t.strictSame(blamed(stopped, { ...failed, reason: 'it hung' }), { because: 'store', reason: 'it hung' })
})
