import t from 'tap'
import type { Finding } from '../../agent/bundle/schema.ts'
import { isTrouble } from '../../agent/findings/trouble.ts'
import { receiptOf, scene } from './scene.ts'
import { facts, gap, gives, scripted } from './scripted-collector.ts'

const finding = (kind: Finding['kind'], over: Partial<Finding> = {}): Finding => ({
  ...{ kind, certainty: 'certain', boot: 'this', subject: {}, sentence: kind, evidence: [] },
  ...over,
})
const core = (over: object = {}) =>
  scripted('live/a', gives('core'), { phase: 'live', source: 'live', when: 'trouble', ...over })

t.test('what is heavy is taken only where something is wrong with the host', async (t) => {
  const healthy = scene(facts(), core(), scripted('cores/a'))
  healthy.collector.findings = async () => [finding('healthy')]
  const well = await healthy.captured()
  t.equal(well.status, 'complete')
  t.match(receiptOf(well, 'live/a'), {
    ...{ status: 'skipped', because: 'limit' },
    reason: 'nothing is wrong with the host, and live.when is "trouble"',
  })
  t.equal(healthy.collector.count('take live/a'), 0)
  const hung = scene(facts(), core(), scripted('cores/a'))
  hung.collector.findings = async () => [finding('hang')]
  t.equal(receiptOf(await hung.captured(), 'live/a')?.status, 'complete')
  t.ok(
    (hung.collector.when('take live/a') ?? 0) <= (hung.collector.when('release') ?? -1),
    'before applications are let go',
  )
})

t.test('the plan comes before it is known', async (t) => {
  const s = scene(facts(), core())
  s.collector.findings = async () => [finding('healthy')]
  await s.captured()
  const plan = JSON.parse(s.store.named('plan.json')?.toString() ?? '')
  t.match(plan.artifacts, [
    { artifact: 'facts', decision: 'take' },
    { artifact: 'live/a', decision: 'if-trouble' },
  ])
})

t.test('who does not say in time that nothing is wrong is in trouble', async (t) => {
  const s = scene(facts(), core())
  s.collector.findings = () => new Promise(() => {})
  t.equal(receiptOf(await s.captured(), 'live/a')?.status, 'complete')
})

t.test('who could not be asked before the second look is asked after it', async (t) => {
  const s = scene()
  s.collector.findings = async () => [finding('healthy')]
  s.collector.list = async (session) => {
    if (session === 1) await s.clock.sleep(60_000)
    return { items: [facts()], gaps: [] }
  }
  const { why } = await s.captured()
  t.equal(why, 'healthy')
  const [asked = Infinity, released = 0] = [s.collector.when('findings'), s.collector.when('release')]
  t.ok(asked <= released, `asked after ${asked}, let go after ${released}`)
})

t.test('applications wait for what is found only where something depends on it', async (t) => {
  const s = scene(facts(), core({ when: undefined }), core({ id: 'b', name: 'live/b', closed: 'it may not leave' }))
  s.collector.findings = async () => {
    await s.clock.sleep(2_000)
    return [finding('healthy')]
  }
  const manifest = await s.captured()
  t.ok((s.collector.when('release') ?? Infinity) < 1_000)
  t.match(receiptOf(manifest, 'live/b'), { status: 'skipped', because: 'seal', reason: 'it may not leave' })
  const waiting = scene(facts(), core())
  waiting.collector.findings = async () => {
    await waiting.clock.sleep(2_000)
    return [finding('healthy')]
  }
  await waiting.captured()
  t.ok((waiting.collector.when('release') ?? 0) >= 2_000)
})

t.test('what is listed late is decided likewise', async (t) => {
  const s = scene()
  s.collector.findings = async () => [finding('healthy')]
  s.collector.list = (session) =>
    session === 1
      ? { items: [facts()], gaps: [gap('live', { because: 'deadline' })] }
      : { items: [facts(), core()], gaps: [] }
  t.match(receiptOf(await s.captured(), 'live/a'), { status: 'skipped', because: 'limit' })
})

t.test('what is trouble', (t) => {
  t.equal(isTrouble([finding('healthy')]), false)
  t.equal(isTrouble([finding('crash', { boot: 'earlier' }), finding('healthy')]), false, 'in a boot that is over')
  t.equal(isTrouble([finding('crash', { certainty: 'claimed' }), finding('healthy')]), false, 'a user says so')
  t.equal(isTrouble([finding('unknown')]), true, 'nobody can tell')
  t.equal(isTrouble(undefined), true)
  t.end()
})
