import t from 'tap'
import type { Finding } from '../../agent/bundle/schema.ts'
import type { Captured } from '../../agent/capture/capture.ts'
import { receiptOf, scene } from './scene.ts'
import { facts, gap, gives, hangsAfter, scripted } from './scripted-collector.ts'

const MiB = 1024 * 1024

t.test('the order: look, take what applications wait for, let them go, take the rest, look again, close', async (t) => {
  const s = scene(
    scripted('cores/a'),
    scripted('stacks', gives('s'), { source: 'stacks', phase: 'live' }),
    facts(gives('what the ', 'host knew')),
  )
  s.collector.last = async function* () {
    yield { items: [scripted('journal/last', gives('last words'), { source: 'journal' })], gaps: [gap('journal')] }
  }
  const manifest = await s.captured()
  t.strictSame(
    s.collector.asked.map(({ what }) => what),
    [
      ...['open for 2000', 'why', 'findings', 'take facts', 'take stacks', 'release', 'stopping'],
      ...['take cores/a', 'stopping', 'last look', 'findings', 'take journal/last'],
    ],
  )
  t.strictSame(s.collector.occasions, [{ trigger: 'shutdown', boot: 'this' }])
  t.equal(s.store.named('facts')?.toString(), 'what the host knew')
  t.equal(s.store.named('journal/last')?.toString(), 'last words')
  const told = manifest.receipts.map(({ artifact, status }) => [artifact, status])
  t.strictSame(told, [
    ['facts', 'complete'],
    ['stacks', 'complete'],
    ['cores/a', 'complete'],
    ['journal', 'failed'],
    ['journal/last', 'complete'],
  ])
  t.match(manifest, { shutdown: { kind: 'reboot' }, findings: [], trigger: 'shutdown', durationMs: 11 })
  t.equal(s.store.names.indexOf('manifest.json'), s.store.names.length - 2, 'then only the row')
})

t.test('a capture by hand holds nobody, and asks for no shutdown', async (t) => {
  const s = scene(facts(), scripted('live/a', gives('l'), { phase: 'live', source: 'live' }))
  const manifest = await s.captured({ trigger: 'manual' })
  t.strictSame([s.collector.count('release'), s.collector.count('why')], [0, 0])
  t.equal(manifest.shutdown, undefined)
  t.equal(manifest.status, 'complete')
})

t.test('a notice takes nothing that lives, the boot before nothing but what is stored', async (t) => {
  const items = [facts(), scripted('live/a', gives('l'), { phase: 'live', source: 'live' }), scripted('cores/a')]
  const notice = scene(...items)
  const told = await notice.captured({ trigger: 'notice' })
  t.match(receiptOf(told, 'live/a'), { status: 'skipped', because: 'limit', reason: /of this kind/ })
  t.equal(told.status, 'complete')
  t.strictSame(notice.collector.count('release'), 0)
  t.strictSame(
    notice.store.names.filter((name) => ['facts', 'live/a', 'cores/a'].includes(name)),
    ['facts', 'cores/a'],
  )
  const before = scene(...items)
  await before.captured({ trigger: 'previous-boot' })
  t.strictSame(before.collector.occasions, [{ trigger: 'previous-boot', boot: 'previous' }])
  t.strictSame(
    before.store.names.filter((name) => ['facts', 'live/a', 'cores/a'].includes(name)),
    ['cores/a'],
  )
})

t.test('what nobody need send again: what is whole, and of the boot before all that there was', async (t) => {
  const marked = (name: string, mark: string, content = gives('it')) => scripted(name, content, { mark })
  const fails: ReturnType<typeof gives> = async function* () {
    yield* []
    throw new Error('EIO')
  }
  const items = [
    marked('cores/a', '00000000000000aa'),
    marked('cores/b', '00000000000000bb', fails),
    scripted('journal/a', gives('j'), { source: 'journal' }),
  ]
  for (const [trigger, forced, stored] of [
    ['shutdown', false, ['00000000000000aa']],
    ['previous-boot', false, ['00000000000000aa', '00000000000000bb']],
    ['previous-boot', true, []],
  ] as const) {
    const s = scene(...items)
    const about = { bootId: '2'.repeat(32) }
    const names: string[] = []
    const hurry = forced ? { hurry: AbortSignal.abort() } : {}
    const around = { onBegun: ({ bundle }: { bundle: string }) => names.push(bundle), ...hurry }
    const ended = (await s.clock.run(s.begin({ trigger, about }, around))) as Captured
    t.same(ended.stored, stored, `${trigger} ${forced}`)
    t.same(names, [ended.name.bundle])
    t.same(ended.manifest.about, about)
    const row = [...s.store.objects.keys()].find((key) => key.endsWith('.json') && key.startsWith('v1/index/'))
    t.equal(row?.endsWith('.before.json'), trigger === 'previous-boot')
  }
})

t.test('the plan is the first look of the queue, with the numbers that it acts on', async (t) => {
  const live = { phase: 'live', source: 'live', ratio: 1 } as const
  const s = scene(
    scripted('live/long', gives('l'), { ...live, bytes: 1000 * MiB }),
    scripted('live/none', gives('l'), { ...live, bytes: 1001 * MiB }),
    scripted('cores/big', gives('c'), { bytes: 2000 * MiB }),
    scripted('cores/closed', gives('c'), { closed: 'no recipient is set' }),
  )
  const manifest = await s.captured()
  const plan = JSON.parse(s.store.named('plan.json')?.toString() ?? '')
  t.strictSame(
    plan.artifacts.map(({ artifact, decision }: Record<string, string>) => [artifact, decision]),
    [
      ['live/long', 'degrade'],
      ['live/none', 'skip'],
      ['cores/big', 'take'],
      ['cores/closed', 'skip'],
    ],
  )
  t.equal(plan.bundle, manifest.bundle)
  t.match(plan.rates, { read: 200 * MiB, store: 50 * MiB })
  t.match(plan.artifacts[0], { limit: 485 * MiB - 1, reason: 'needs about 20 s, 10 s are left' })
  t.match(receiptOf(manifest, 'cores/closed'), { status: 'skipped', because: 'seal', reason: 'no recipient is set' })
  t.equal(s.collector.count('take cores/closed'), 0)
  t.equal(receiptOf(manifest, 'live/none')?.status, 'complete', 'what came before it took less than was thought')
})

t.test('rates that are learnt while applications wait hold afterwards', async (t) => {
  const s = scene(
    scripted('live/a', gives('x'.repeat(32 * MiB)), { phase: 'live', source: 'live', bytes: 32 * MiB }),
    scripted('cores/a', gives('c'), { bytes: 1000 * MiB }),
  )
  s.store.rate = 8 * MiB
  const manifest = await s.captured({ hold: 20_000 })
  t.equal(receiptOf(manifest, 'live/a')?.status, 'complete')
  const plan = JSON.parse(s.store.named('plan.json')?.toString() ?? '')
  t.match(plan.artifacts[1], { artifact: 'cores/a', decision: 'take', estimate: { ms: 20_300 } })
  // At 29 MiB a second, half of what was assumed and half of what was seen.
  t.equal(receiptOf(manifest, 'cores/a')?.status, 'complete')
  const late = scene(
    scripted('live/a', gives('x'.repeat(32 * MiB)), { phase: 'live', source: 'live', bytes: 32 * MiB }),
    scripted('cores/a', gives('c'), { bytes: 6000 * MiB }),
  )
  late.store.rate = 8 * MiB
  const told = await late.captured({ hold: 20_000 })
  t.match(receiptOf(told, 'cores/a'), { status: 'complete' })
  t.equal(JSON.parse(late.store.named('plan.json')?.toString() ?? '').artifacts[1].decision, 'degrade')
})

t.test('of what went wrong the fuller look counts, and no answer is an answer', async (t) => {
  const death = (kind: Finding['kind']): Finding => ({
    ...{ kind, certainty: 'certain', boot: 'this', subject: {}, sentence: `${kind}.`, evidence: [] },
  })
  const s = scene(facts())
  let asked = 0
  s.collector.findings = async () => (asked++ === 0 ? [death('healthy')] : [death('crash')])
  t.match(await s.captured(), { why: 'crash', findings: [{ kind: 'crash' }] })
  const mute = scene(facts())
  mute.collector.findings = () => new Promise(() => {})
  const manifest = await mute.captured()
  t.match(manifest.findings, [{ kind: 'unknown', sentence: /the collector did not say/ }])
  t.ok(mute.clock.now() < 14_000, `${mute.clock.now()} ms`)
})

t.test('a collector that never says which shutdown this is costs a moment, not the manifest', async (t) => {
  const s = scene(facts())
  s.collector.asksWhy = () => new Promise(() => {})
  const manifest = await s.captured()
  t.equal(manifest.shutdown, undefined)
  t.equal(receiptOf(manifest, 'facts')?.status, 'complete')
  t.equal(s.clock.now(), 4_502)
  const slow = scene(facts(), scripted('cores/a', hangsAfter(['c'])))
  slow.collector.asksWhy = async () => {
    await slow.clock.sleep(4_900)
    return { kind: 'poweroff' }
  }
  t.match((await slow.captured()).shutdown, { kind: 'poweroff' }, 'it is not given up while there is something to do')
  const failing = scene(facts())
  failing.collector.asksWhy = async () => {
    throw new Error('no bus')
  }
  t.equal((await failing.captured()).shutdown, undefined)
  t.ok(failing.clock.now() < 100)
})

t.test('a last look that fails, or hangs, is told, and the bundle is not complete', async (t) => {
  const failing = scene(facts())
  // biome-ignore lint/correctness/useYield: it fails before
  failing.collector.last = async function* () {
    throw new Error('it hung up')
  }
  const manifest = await failing.captured()
  t.match(receiptOf(manifest, 'collector'), {
    status: 'failed',
    reason: 'cannot ask what has come up since: it hung up',
  })
  t.equal(manifest.status, 'partial')
  const hanging = scene(facts())
  hanging.collector.last = async function* () {
    await new Promise(() => {})
  }
  const told = await hanging.captured()
  t.match(receiptOf(told, 'collector'), { status: 'failed', because: 'deadline', reason: /what has come up since/ })
  t.equal(told.status, 'partial')
  const ms = hanging.clock.now()
  t.ok(ms > 4_900 && ms < 5_100, `as long as any silence of the collector, for there is time: ${ms} ms`)
})

t.test('where all the time was used, a last look that hangs leaves what the last sending may take', async (t) => {
  const s = scene()
  const endless = async function* (stop: AbortSignal) {
    while (!stop.aborted) {
      yield Buffer.alloc(10_000)
      await s.clock.sleep(200)
    }
  }
  s.collector.list = () => ({ items: [facts(), scripted('cores/endless', endless)], gaps: [] })
  const put = s.store.put.bind(s.store)
  s.store.put = async (key, body, signal) => {
    if (/endless/.test(key)) await s.clock.sleep(3_500)
    return await put(key, body, signal)
  }
  s.collector.last = async function* () {
    await new Promise(() => {})
  }
  await s.captured()
  const looked = s.collector.when('last look') ?? 0
  t.ok(looked > 85_000 && looked < 86_000, `${looked}`)
  t.match(s.collector.asked.at(-1), { what: 'findings', at: 87_000 })
})
