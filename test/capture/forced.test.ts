import t from 'tap'
import { PART_BYTES } from '../../agent/store/part-bytes.ts'
import { MovableDeadline } from '../../agent/words/deadline.ts'
import { receiptOf, scene } from './scene.ts'
import { facts, gives, hangsAfter, scripted } from './scripted-collector.ts'

/** A host that is forced down after `ms`. */
function forcedAfter(s: ReturnType<typeof scene>, ms: number): AbortSignal {
  const hurry = new AbortController()
  s.clock.after(ms, () => hurry.abort())
  return hurry.signal
}

t.test(
  'a host that is forced down: what is there becomes the bundle, the rest has a receipt that says so',
  async (t) => {
    const s = scene()
    const endless = async function* (stop: AbortSignal) {
      while (!stop.aborted) {
        yield Buffer.alloc(PART_BYTES / 8)
        await s.clock.sleep(100)
      }
    }
    s.collector.list = () => ({
      items: [
        facts(),
        scripted('cores/endless', endless, { bytes: 1_000_000_000, value: 900 }),
        scripted('cores/waits', gives('w'), { value: 1 }),
      ],
      gaps: [],
    })
    const manifest = await s.captured({}, { hurry: forcedAfter(s, 10_000) })
    t.ok(s.clock.now() > 10_000 && s.clock.now() <= 11_900, `${s.clock.now()} ms`)
    t.equal(receiptOf(manifest, 'facts')?.status, 'complete')
    const endlessOne = receiptOf(manifest, 'cores/endless')
    t.match(endlessOne, { status: 'truncated', because: 'host', reason: 'the host was forced down' })
    t.ok((endlessOne?.bytesStored ?? 0) > 10 * PART_BYTES, `${endlessOne?.bytesStored}`)
    t.match(receiptOf(manifest, 'cores/waits'), {
      status: 'skipped',
      because: 'host',
      reason: 'the host was forced down',
    })
    t.equal(manifest.status, 'partial')
    t.equal(s.collector.count('take cores/waits'), 0)
  },
)

t.test('while applications wait, while a store hangs, before anything was listed', async (t) => {
  await t.test('held', async (t) => {
    const s = scene(scripted('live/a', hangsAfter([], true), { phase: 'live', source: 'live' }), scripted('cores/a'))
    const manifest = await s.captured({}, { hurry: forcedAfter(s, 500) })
    t.equal(s.collector.when('release'), 500)
    t.ok(s.clock.now() <= 2_400, `${s.clock.now()} ms`)
    t.match(receiptOf(manifest, 'live/a'), { status: 'failed', because: 'host', reason: /forced down/ })
    t.match(receiptOf(manifest, 'cores/a'), { status: 'skipped', because: 'host', reason: 'the host was forced down' })
  })
  await t.test('hanging store', async (t) => {
    const s = scene(facts(), scripted('cores/a'))
    s.store.fate = (_, key) => (/facts/.test(key) ? 'deaf' : undefined)
    const manifest = await s.captured({}, { hurry: forcedAfter(s, 5_000) })
    t.ok(s.clock.now() <= 6_900, `${s.clock.now()} ms`)
    t.match(receiptOf(manifest, 'facts'), { status: 'failed', because: 'host', reason: 'the host was forced down' })
    t.equal(receiptOf(manifest, 'cores/a')?.status, 'complete')
  })
  await t.test('nothing listed', async (t) => {
    const s = scene(facts())
    s.collector.list = () => new Promise(() => {})
    const manifest = await s.captured({}, { hurry: forcedAfter(s, 500) })
    t.ok(s.clock.now() <= 2_400, `${s.clock.now()} ms`)
    t.match(receiptOf(manifest, 'facts'), { status: 'failed', because: 'host', reason: 'the host was forced down' })
  })
  await t.test('forced from the beginning', async (t) => {
    const s = scene(facts())
    const manifest = await s.captured({}, { hurry: AbortSignal.abort() })
    t.match(receiptOf(manifest, 'facts'), { because: 'host', reason: 'the host was forced down' })
    t.ok(s.clock.now() <= 1_900)
  })
  await t.test('mute all around', async (t) => {
    const s = scene(facts(hangsAfter(['first'], true)))
    s.collector.asksWhy = () => new Promise(() => {})
    s.collector.findings = () => new Promise(() => {})
    s.collector.releasing = () => new Promise(() => {})
    const manifest = await s.captured({}, { hurry: forcedAfter(s, 1_000) })
    t.ok(s.clock.now() <= 2_500, `${s.clock.now()} ms`)
    t.match(receiptOf(manifest, 'facts'), { because: 'host', reason: /forced down/ })
  })
  await t.test('no bundle was begun', async (t) => {
    const s = scene(facts())
    s.store.fate = () => 'hangs'
    await t.rejects(s.captured({}, { hurry: forcedAfter(s, 1_000) }), /cannot put/)
    t.equal(s.clock.now(), 2_900)
  })
})

t.test('a deadline that is moved while the capture runs', async (t) => {
  const endlessIn = (s: ReturnType<typeof scene>) =>
    async function* (stop: AbortSignal) {
      while (!stop.aborted) {
        yield Buffer.alloc(10_000)
        await s.clock.sleep(200)
      }
    }
  await t.test('later', async (t) => {
    const s = scene()
    s.collector.list = () => ({ items: [scripted('cores/endless', endlessIn(s))], gaps: [] })
    const deadline = new MovableDeadline(10_000, s.clock)
    s.clock.after(5_000, () => deadline.rearm(90_000))
    const manifest = await s.captured({ latest: 100_000 }, { deadline })
    t.match(receiptOf(manifest, 'cores/endless'), { status: 'truncated', because: 'deadline' })
    // An item was given its time when it was begun.
    t.ok(s.clock.now() > 8_000 && s.clock.now() < 95_000, `${s.clock.now()} ms`)
    t.equal(Date.parse(manifest.deadline) - Date.parse(manifest.started), 100_000)
    t.match([...s.store.objects.keys()][1], /\.100\.open$/)
  })
  await t.test('sooner', async (t) => {
    const s = scene()
    s.collector.list = () => ({ items: [scripted('cores/endless', endlessIn(s))], gaps: [] })
    const deadline = new MovableDeadline(90_000, s.clock)
    s.clock.after(5_000, () => deadline.rearm(5_000))
    const manifest = await s.captured({}, { deadline })
    t.match(receiptOf(manifest, 'cores/endless'), { status: 'truncated', because: 'deadline' })
    t.ok(s.clock.now() <= 10_000, `${s.clock.now()} ms`)
  })
  await t.test('what has been forced is not moved again', async (t) => {
    const s = scene(facts(hangsAfter(['f'], true)))
    const deadline = new MovableDeadline(90_000, s.clock)
    s.clock.after(600, () => deadline.rearm(90_000))
    await s.captured({}, { deadline, hurry: forcedAfter(s, 500) })
    t.ok(s.clock.now() <= 2_400, `${s.clock.now()} ms`)
  })
})
