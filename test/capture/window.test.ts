import t from 'tap'
import { receiptOf, scene } from './scene.ts'
import { facts, gives, scripted } from './scripted-collector.ts'

const busy = { running: 1, held: false }
const quiet = { running: 0, held: false }

t.test('open for crashes while others are being stopped: what comes up is taken at once', async (t) => {
  const s = scene(facts())
  s.collector.stops = () => (s.clock.now() < 12_000 ? busy : quiet)
  s.collector.up = async function* () {
    await s.clock.sleep(3_000)
    yield { items: [scripted('cores/soon')], gaps: [] }
    await s.clock.sleep(8_900)
    yield { items: [scripted('cores/later')], gaps: [] }
  }
  const manifest = await s.captured()
  t.match(
    [receiptOf(manifest, 'cores/soon'), receiptOf(manifest, 'cores/later')],
    [{ status: 'complete' }, { status: 'complete' }],
  )
  t.ok(Number(s.collector.when('take cores/soon')) < 3_100, 'not when all is over')
  const last = Number(s.collector.when('last look'))
  t.ok(last >= 12_000 && last < 12_700, `closed when nobody was stopped any more: ${last} ms`)
  t.ok(s.collector.count('stopping') < 110, `a calm rhythm: ${s.collector.count('stopping')} questions`)
})

t.test('before systemd has seen the hold let go, nobody is asked to stop: that is no silence', async (t) => {
  const s = scene(facts())
  // Then for a moment the jobs that waited for it still wait.
  const answers = [{ running: 0, held: true }, { running: 0, held: true }, quiet, busy, busy]
  s.collector.stops = (question) => answers[question - 1] ?? quiet
  await s.captured()
  t.equal(s.collector.count('stopping'), answers.length + 2)
})

t.test('the rhythm: soon at first, so that nobody waits for us; then calm', async (t) => {
  const s = scene(facts())
  s.collector.stops = () => (s.clock.now() < 40_000 ? busy : quiet)
  await s.captured()
  const asked = s.collector.asked.filter(({ what }) => what === 'stopping').map(({ at }) => at)
  const pauses = asked.slice(1).map((at, n) => [asked[n] as number, at - (asked[n] as number)] as const)
  for (const [at, ms] of pauses) t.ok(ms <= Math.max(26, at / 15) && ms <= 501 && ms >= 10, `${at} ms: after ${ms}`)
})

t.test('who does not answer, or not in time, is not waited for', async (t) => {
  const fails = scene(facts())
  fails.collector.stops = () => Promise.reject(new Error('ENOENT'))
  await fails.captured()
  t.ok(Number(fails.collector.when('last look')) < 10)
  t.equal(fails.collector.count('stopping'), 1)
  const mute = scene(facts())
  mute.collector.stops = () => new Promise(() => {})
  await mute.captured()
  t.ok(Number(mute.collector.when('last look')) < 4_600)
  const once = scene(facts())
  once.collector.stops = (question) =>
    question === 3 ? Promise.reject(new Error('it hung up')) : question < 6 ? busy : quiet
  await once.captured()
  t.equal(once.collector.count('stopping'), 7, 'who has answered is asked once more')
  const gone = scene(facts())
  gone.collector.stops = (question) => (question > 2 ? Promise.reject(new Error('it hung up')) : busy)
  await gone.captured()
  t.equal(gone.collector.count('stopping'), 4)
})

t.test('no longer than there is time: what has crashed by then is still to be sent', async (t) => {
  const s = scene(facts())
  s.collector.stops = () => busy
  s.collector.up = async function* () {
    await s.clock.sleep(74_000)
    yield { items: [scripted('cores/late', gives('it'), { bytes: 10 })], gaps: [] }
  }
  const manifest = await s.captured()
  const last = Number(s.collector.when('last look'))
  t.ok(last >= 75_000 && last < 75_100, `${last} ms`)
  t.equal(manifest.status, 'complete')
  t.equal(receiptOf(manifest, 'cores/late')?.status, 'complete')
})

t.test('a host that is forced down closes it at once; other captures have none', async (t) => {
  const s = scene(facts())
  s.collector.stops = () => busy
  const hurry = new AbortController()
  s.clock.after(5_000, () => hurry.abort())
  await s.captured({}, { hurry: hurry.signal })
  t.ok(s.clock.now() < 7_000, `${s.clock.now()} ms`)
  for (const trigger of ['manual', 'notice', 'previous-boot'] as const) {
    const other = scene(facts())
    await other.captured({ trigger })
    t.equal(other.collector.count('stopping'), 0, trigger)
  }
})

t.test('what comes up while the store is slow does not wait for it', async (t) => {
  const s = scene(facts(gives('x'.repeat(100_000))))
  s.store.rate = 5_000
  s.collector.up = async function* () {
    await s.clock.sleep(3_000)
    yield { items: [scripted('cores/soon')], gaps: [] }
  }
  await s.captured()
  t.ok(Number(s.collector.when('take cores/soon')) < 3_100, `${s.collector.when('take cores/soon')}`)
})
