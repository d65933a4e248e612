import t from 'tap'
import { StoreError } from '../../agent/store/store.ts'
import { receiptOf, scene } from './scene.ts'
import { facts, fails, hangsAfter, scripted } from './scripted-collector.ts'

t.test('a store that says no ends the capture, and applications are let go first', async (t) => {
  const s = scene(facts())
  const no = new StoreError('denied', 'cannot write: access denied')
  s.store.fate = () => no
  await t.rejects(s.captured(), no)
  t.equal(s.collector.when('release'), 0)
})

t.test('a store that never answers ends the capture at a third of its deadline', async (t) => {
  const s = scene(facts())
  s.store.fate = () => 'hangs'
  await t.rejects(s.captured(), /cannot put .*aborted/)
  t.equal(s.clock.now(), 30_000)
})

t.test('a store that cannot begin a bundle at first is tried again, as long as the opening may take', async (t) => {
  const s = scene(facts())
  s.store.fate = () => (s.clock.now() < 12_000 ? new StoreError('transient', 'ENFILE') : undefined)
  const manifest = await s.captured()
  t.equal(receiptOf(manifest, 'facts')?.status, 'complete', 'and what could not be stored was taken again')
  t.equal(manifest.status, 'complete')
  const dead = scene(facts())
  dead.store.fate = () => new StoreError('transient', 'ENFILE')
  await t.rejects(dead.captured(), new StoreError('transient', 'ENFILE'))
  t.equal(dead.clock.now(), 30_000)
})

t.test('an item that cannot be stored is not read on', async (t) => {
  const s = scene(scripted('cores/a'), scripted('cores/slow', hangsAfter(['c'])))
  s.store.fate = (_, key) => (/cores\/a/.test(key) ? new StoreError('denied', 'access denied') : undefined)
  await s.captured()
  t.ok((s.collector.cut.get('cores/a') ?? 5_000) < 100, `${s.collector.cut.get('cores/a')} ms`)
})

t.test('how far the clocks are apart is told where the store tells it', async (t) => {
  const s = scene(facts())
  t.equal((await s.captured()).clockSkewMs, undefined)
  const ahead = scene(facts())
  ahead.store.clockSkew = 4_000
  t.equal((await ahead.captured()).clockSkewMs, 4_000)
})

t.test('an id that is taken is replaced; what we may have stored ourselves is not', async (t) => {
  const taken = scene()
  let puts = 0
  taken.store.fate = () => (puts++ === 0 ? new StoreError('exists', 'it exists') : undefined)
  t.equal((await taken.captured()).status, 'complete')
  t.strictSame(taken.store.names.slice(0, 1), ['opening.json'], 'under another one')
  const lost = scene()
  let opened: string | undefined
  const put = lost.store.put.bind(lost.store)
  lost.store.put = async (key, body, signal) => {
    const stored = await put(key, body, signal)
    if (opened !== undefined) return stored
    opened = key
    throw new StoreError('transient', 'the answer was lost', { doubtful: true })
  }
  const manifest = await lost.captured()
  t.match(opened, manifest.bundle)
  t.strictSame(lost.store.names.filter((name) => name === 'opening.json').length, 1)
})

t.test('what may have been stored, and could not be asked for again, is stored half a second later', async (t) => {
  const s = scene()
  const fates = [
    new StoreError('transient', 'the answer was lost', { doubtful: true }),
    new StoreError('transient', 'busy'),
  ]
  s.store.fate = () => fates.shift()
  await s.captured()
  t.equal(s.store.names[0], 'opening.json')
  t.equal([...s.store.at.values()][0], 1_001)
})

t.test('a store that hangs costs the artifacts, never the end', async (t) => {
  for (const fate of ['hangs', 'deaf'] as const) {
    const s = scene(facts(), scripted('cores/a'), scripted('cores/b', fails('no such file', 'host')))
    s.store.fate = (_, key) => (/cores\/a|facts/.test(key) ? fate : undefined)
    const manifest = await s.captured()
    t.match(receiptOf(manifest, 'cores/a'), { status: 'failed', because: 'store' }, fate)
    t.match(receiptOf(manifest, 'facts'), { status: 'failed', because: 'store' })
    t.match(receiptOf(manifest, 'cores/b'), { status: 'failed', because: 'host' })
    t.ok(s.clock.now() < 90_000, `${s.clock.now()} ms`)
    t.ok(s.store.named('manifest.json'))
  }
})
