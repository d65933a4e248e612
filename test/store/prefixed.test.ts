import { join } from 'node:path'
import t from 'tap'
import { directoryArchive } from '../../agent/store/directory/archive.ts'
import { directoryStore } from '../../agent/store/directory/store.ts'
import { prefixed } from '../../agent/store/prefixed.ts'
import { StoreError } from '../../agent/store/store.ts'
import { failing } from '../contract/failing.ts'
import { storeContract } from '../contract/store.ts'

const signal = AbortSignal.timeout(60_000)
const body = Buffer.from('x')

t.test('what is below a prefix keeps the contract', async (t) => {
  const root = t.testdir()
  await using store = prefixed(directoryStore(root), 'v1/hosts/web/')
  await using archive = directoryArchive(join(root, 'v1/hosts/web'))
  await storeContract(t, { store, archive, completeIsCreateOnly: true, completesSubset: true })
  const all = await Array.fromAsync(directoryArchive(root).list('', signal))
  t.ok(all.length > 10 && all.every(({ key }) => key.startsWith('v1/hosts/web/')))
})

t.test('without a prefix it is the store itself', async (t) => {
  const root = t.testdir()
  t.same(await prefixed(directoryStore(root), '').put('x', body, signal), { key: 'x', bytes: 1 })
  t.same((await Array.fromAsync(directoryArchive(root).list('', signal))).length, 1)
})

t.test('a prefix that is known only later is waited for', async (t) => {
  const root = t.testdir()
  const { promise, resolve } = Promise.withResolvers<string>()
  const store = prefixed(directoryStore(root), promise)
  const put = store.put('object', body, signal)
  const begun = store.begin('parts', signal)
  const end = new AbortController()
  const late = store.put('late', body, end.signal)
  end.abort(new Error('the deadline has passed'))
  await t.rejects(late, failing('transient', /^cannot store late in file:.*the deadline has passed$/))
  await t.rejects(store.begin('', signal), failing('permanent'), 'a key that can be none needs no prefix')
  resolve('bundle/')
  t.same(await put, { key: 'object', bytes: 1 })
  const upload = await begun
  await upload.part(1, body, signal)
  t.same([upload.key, (await upload.complete(signal)).key], ['parts', 'parts'])
  const listed = await Array.fromAsync(directoryArchive(root).list('', signal))
  t.same(
    listed.map(({ key }) => key),
    ['bundle/object', 'bundle/parts'],
  )
})

t.test('a prefix that never comes fails every call as it does', async (t) => {
  const denied = new StoreError('denied', 'cannot begin the bundle: no')
  const store = prefixed(directoryStore(t.testdir()), Promise.reject(denied))
  await new Promise((resolve) => setImmediate(resolve))
  await t.rejects(store.put('object', body, signal), denied)
  await t.rejects(store.begin('parts', signal), denied)
})
