import t from 'tap'
import { receiptOf, scene } from './scene.ts'
import { facts, gives, hangsAfter, scripted } from './scripted-collector.ts'

const live = { phase: 'live', source: 'live', bytes: 50_000_000 } as const

t.test('live evidence shares the time for which applications are held; what waits for it comes after', async (t) => {
  const s = scene()
  const endless = async function* (stop: AbortSignal) {
    while (!stop.aborted) {
      yield Buffer.alloc(10_000)
      await s.clock.sleep(200)
    }
  }
  s.collector.list = () => ({
    items: [
      scripted('live/first', endless, { ...live, value: 900 }),
      scripted('live/second', endless, { ...live, value: 100 }),
      scripted('cores/after', gives('taken')),
    ],
    gaps: [],
  })
  const manifest = await s.captured({ hold: 3_000 })
  t.strictSame(
    manifest.receipts.map(({ artifact, status, because }) => [artifact, status, because]),
    [
      ['live/first', 'truncated', 'deadline'],
      ['live/second', 'skipped', 'deadline'],
      ['cores/after', 'complete', undefined],
    ],
  )
  t.equal(s.collector.when('release'), 3_000)
  t.equal(manifest.heldMs, 3_000)
})

t.test('the cap is kept whatever the capture waits for', async (t) => {
  await t.test('a store that is dead', async (t) => {
    const s = scene(facts(), ...[1, 2, 3, 4, 5].map((n) => scripted(`live/${n}`, gives('l'), { ...live, bytes: 1 })))
    s.store.fate = (_, key) => (/opening|open$/.test(key) ? undefined : 'deaf')
    await t.rejects(s.captured(), /cannot|clock|nothing/)
    t.equal(s.collector.when('release'), 10_000)
  })
  await t.test('a listing that never comes', async (t) => {
    const s = scene()
    s.collector.list = () => new Promise(() => {})
    await s.captured()
    t.equal(s.collector.when('release'), 9_000, 'no later than both looks have failed')
  })
  await t.test('a big one whose upload hangs', async (t) => {
    const s = scene(scripted('live/a', gives('x'), { ...live, bytes: 10_000_000 }))
    s.store.fate = (_, key) => (/live/.test(key) ? 'hangs' : undefined)
    await s.captured()
    t.equal(s.collector.when('release'), 10_000)
  })
})

t.test('without live evidence nobody waits', async (t) => {
  const s = scene(facts(), scripted('cores/slow', hangsAfter(['c'])))
  t.equal((await s.captured()).heldMs, 0)
  t.equal(s.collector.when('release'), 0)
})

t.test(
  'how long they were held is not known where nobody has let them go, and of no interest where nobody is held',
  async (t) => {
    const deaf = scene(facts())
    deaf.collector.release = () => Promise.reject(new Error('it is gone'))
    t.equal((await deaf.captured()).heldMs, undefined)
    t.equal((await scene(facts()).captured({ trigger: 'manual' })).heldMs, undefined)
  },
)

t.test('a release that fails is tried again, one that hangs is not waited for', async (t) => {
  const s = scene(scripted('cores/a'))
  let failures = 3
  s.collector.releasing = async () => {
    if (failures-- > 0) throw new Error('ENFILE')
  }
  const manifest = await s.captured()
  t.equal(s.collector.count('release'), 4)
  t.equal(receiptOf(manifest, 'cores/a')?.status, 'complete')
  t.equal(s.collector.when('take cores/a'), 600)
  const mute = scene(scripted('cores/a'))
  mute.collector.releasing = () => new Promise(() => {})
  t.equal((await mute.captured()).status, 'complete')
  t.equal(mute.collector.when('take cores/a'), 1_000)
})

t.test('applications are let go once', async (t) => {
  const s = scene(facts(), scripted('cores/slow', hangsAfter(['c'])))
  await s.captured({ hold: 1_000 })
  t.equal(s.collector.count('release'), 1)
})
