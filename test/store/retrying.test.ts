import t from 'tap'
import { directoryArchive } from '../../agent/store/directory/archive.ts'
import { directoryStore } from '../../agent/store/directory/store.ts'
import { Pace } from '../../agent/store/pace.ts'
import { retrying } from '../../agent/store/retrying.ts'
import { type Store, StoreError, type StoreFailure } from '../../agent/store/store.ts'
import { failing } from '../contract/failing.ts'
import { flaky } from '../contract/flaky.ts'
import { storeContract } from '../contract/store.ts'

const signal = AbortSignal.timeout(60_000)
const body = Buffer.from('x')

t.test('a store that tries again keeps the contract, though every first try fails', async (t) => {
  const root = t.testdir()
  await using archive = directoryArchive(root)
  await using store = retrying(flaky(directoryStore(root)), 2)
  await storeContract(t, { store, archive, completeIsCreateOnly: true, completesSubset: true })
})

/** A directory whose put fails so, in turn; then it works. */
function failingPut(root: string, ...errors: StoreError[]): Store {
  const store = directoryStore(root)
  const put: Store['put'] = async (...put) => {
    const error = errors.shift()
    if (error === undefined) return await store.put(...put)
    if (error.doubtful) await store.put(...put)
    throw error
  }
  return { ...store, put }
}

t.test('what exists is our own after a lost answer, and only then', async (t) => {
  const root = t.testdir()
  const lost = new StoreError('transient', 'the answer was lost', { doubtful: true })
  const busy = new StoreError('transient', 'busy')
  t.same(await retrying(failingPut(root, busy, lost, busy), 4).put('ours', body, signal), { key: 'ours', bytes: 1 })
  await t.rejects(retrying(failingPut(root, busy), 4).put('ours', body, signal), failing('exists'))
  await t.rejects(retrying(directoryStore(root), 4).put('ours', body, signal), failing('exists'))
})

t.test('it gives up after its tries, or with the signal', async (t) => {
  const root = t.testdir()
  const busy = (count: number) => Array.from({ length: count }, () => new StoreError('transient', 'busy'))
  await t.rejects(retrying(failingPut(root, ...busy(3)), 3).put('x', body, signal), failing('transient', /^busy$/))
  await retrying(failingPut(root, ...busy(2)), 3).put('x', body, signal)
  const endless: Store = { ...directoryStore(root), put: async () => Promise.reject(busy(1)[0]) }
  const end = new AbortController()
  setTimeout(() => end.abort(new Error('the deadline has passed')), 300)
  const trying = retrying(endless, Number.POSITIVE_INFINITY).put('y', body, end.signal)
  await t.rejects(trying, failing('transient', /^busy$/))
})

t.test('what is waited for is told, also between two tries', async (t) => {
  const end = new AbortController()
  const { promise: asked, resolve } = Promise.withResolvers<void>()
  const inner = { ...directoryStore(t.testdir()), url: 's3://bucket' }
  let now: { what: string; ms: number } | undefined
  const put = async () => {
    resolve()
    throw new StoreError('transient', 'busy')
  }
  const store = retrying({ ...inner, put, waiting: () => now }, Number.POSITIVE_INFINITY)
  t.equal(store.waiting?.(), undefined)
  const putting = store.put('key', body, end.signal)
  await asked
  t.match(store.waiting?.(), { what: 's3://bucket, to store key', ms: Number })
  now = { what: '127.0.0.1:9, to store s3://bucket/key', ms: 1e9 }
  const told = store.waiting?.()
  t.equal(told?.what, now.what)
  t.ok((told?.ms ?? 1e9) < 1e9, 'since the first try')
  end.abort(new Error('enough'))
  await t.rejects(putting, failing('transient', /^busy$/))
})

t.test('the window hears of parts that failed, and not of those that were ended or are refused', async (t) => {
  let fell = 0
  const inner = directoryStore(t.testdir())
  const pace = Object.assign(new Pace(), { window: { fell: () => ++fell } as unknown as Pace['window'] })
  async function sending(failure: StoreFailure, signal: AbortSignal) {
    const part = () => Promise.reject(new StoreError(failure, failure))
    const store = retrying({ ...inner, pace, begin: async (key) => ({ key, part, complete: part }) }, 3)
    await t.rejects((await store.begin('key', signal)).part(1, body, signal), failing(failure, /./))
  }
  await sending('denied', signal)
  await sending('transient', AbortSignal.abort())
  t.equal(fell, 0)
  await sending('transient', signal)
  t.equal(fell, 3)
})
