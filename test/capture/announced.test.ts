import t from 'tap'
import { receiptOf, scene } from './scene.ts'
import { facts, gap, gives, hangsAfter, scripted } from './scripted-collector.ts'

/** A shutdown that is certain after some ms. */
const certainAfter = (s: ReturnType<typeof scene>, ms: number) => s.clock.sleep(ms)

t.test('what is only announced is taken at once, and stays open until it is certain', async (t) => {
  const s = scene(facts(), scripted('live/a', gives('l'), { phase: 'live', source: 'live' }), scripted('cores/a'))
  s.collector.last = async function* () {
    yield { items: [scripted('cores/late', gives('died meanwhile'))], gaps: [gap('cores', { status: 'absent' })] }
  }
  const manifest = await s.captured({}, { certain: certainAfter(s, 30_000) })
  for (const what of ['take facts', 'take live/a', 'release', 'take cores/a'])
    t.ok((s.collector.when(what) ?? Infinity) < 100, what)
  t.equal(s.collector.when('why'), 30_000)
  // And as long as systemd is asked who is being stopped.
  const last = s.collector.when('last look') ?? 0
  t.ok(last >= 30_000 && last < 31_000, `${last}`)
  t.match(manifest, { status: 'complete', shutdown: { kind: 'reboot' }, heldMs: 0 })
  t.equal(receiptOf(manifest, 'cores/late')?.status, 'complete')
})

t.test('one that never becomes certain ends with its deadline, and is whole', async (t) => {
  const s = scene(facts(), scripted('cores/a'))
  const manifest = await s.captured({}, { certain: new Promise(() => {}) })
  t.ok(s.clock.now() > 85_000 && s.clock.now() < 90_000, `${s.clock.now()}`)
  t.match(manifest, { status: 'complete', shutdown: undefined, heldMs: undefined })
  t.equal(s.collector.count('why'), 0, 'systemd would not know')
})

t.test('one that was cancelled is closed well, soon, and says so', async (t) => {
  const cancelled = new AbortController()
  const s = scene(
    facts(),
    scripted('cores/under-way', hangsAfter(['some of it']), { patience: 3_600_000, mark: '00000000000000aa' }),
    scripted('cores/whole', gives('it'), { value: 900, mark: '00000000000000bb' }),
    scripted('cores/not-begun', gives('it'), { bytes: 50_000_000, value: 1 }),
  )
  s.clock.after(10_000, () => cancelled.abort())
  const captured = s.begin({}, { certain: new Promise(() => {}), cancelled: cancelled.signal })
  const { manifest, stored } = await s.clock.run(captured)
  t.same(stored, ['00000000000000bb'], 'what was cut short is to be taken again')
  t.ok(s.clock.now() >= 10_000 && s.clock.now() < 12_000, `${s.clock.now()}`)
  t.match(manifest, { status: 'partial', shutdown: { kind: 'unknown', cancelled: true } })
  t.equal(receiptOf(manifest, 'facts')?.status, 'complete')
  const blame = { because: 'host', reason: 'the shutdown was cancelled' }
  t.match(receiptOf(manifest, 'cores/under-way'), { status: 'truncated', ...blame, objects: [{ bytes: 10 }] })
  t.match(receiptOf(manifest, 'cores/not-begun'), { status: 'skipped', ...blame })
})

t.test('one that had been captured whole when it was cancelled is complete, and says so all the same', async (t) => {
  const cancelled = new AbortController()
  const s = scene(facts(), scripted('cores/a'))
  s.clock.after(10_000, () => cancelled.abort())
  const manifest = await s.captured({}, { certain: new Promise(() => {}), cancelled: cancelled.signal })
  t.match(manifest, { status: 'complete', shutdown: { kind: 'unknown', cancelled: true } })
  t.ok(s.clock.now() >= 10_000 && s.clock.now() < 12_000, `${s.clock.now()}`)
})

t.test('the opening says until when it can go on at the latest', async (t) => {
  const s = scene(facts())
  await s.captured({ latest: 100_000 })
  const { started, deadline } = JSON.parse(String(s.store.named('opening.json')))
  t.equal(Date.parse(deadline) - Date.parse(started), 100_000)
})
