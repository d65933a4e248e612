import t from 'tap'
import { type Around, Gasp } from '../../agent/daemon/gasp.ts'
import type { AtTrigger } from '../../agent/daemon/standing/standing.ts'
import type { Due } from '../../agent/daemon/triggers/trigger.ts'
import { aborted } from '../../agent/words/deadline.ts'
import { never, request, scene } from '../capture/scene.ts'
import { hangsAfter, type Scripted, scripted } from '../capture/scripted-collector.ts'

/** A gasp on the test's clock, of a host whose settings allow a minute and are read within `reading` ms. */
function gaspOf(
  items: readonly Scripted[],
  due: Due,
  over: { reading?: number; store?: Error; end?: AbortSignal; memory?: Around['memory'] } = {},
) {
  const { clock, collector, store } = scene(...items)
  const [told, lines]: [string[], string[]] = [[], []]
  const lease: AtTrigger = {
    request: { ...request, deadline: 60_000 },
    store: over.store ?? store,
    spool: 0,
    [Symbol.asyncDispose]: async () => void told.push('given back'),
  }
  const standing = clock.sleep(over.reading ?? 0).then(() => ({ atTrigger: async () => lease }))
  const say = (line: string) => {
    lines.push(line)
    told.push(/^lastgasp: (NO COMPLETE BUNDLE|complete|partial)/.exec(line)?.[1] ?? line)
  }
  const gasp = new Gasp(
    due,
    { standing, collector, say, clock, ...(over.memory && { memory: over.memory }) },
    over.end ?? never,
  )
  return { gasp, clock, collector, store, told, lines }
}

const shutdown: Due = { trigger: 'shutdown' }
/** A store that takes all but the closing manifest. */
const endless = (_: string, key: string) => (key.endsWith('manifest.json') ? 'hangs' : undefined)
const hangs = () => scripted('cores/hangs', hangsAfter(['it'], true), { patience: 3_600_000 })

t.test('what was done before the capture began counts, and the store is given back', async (t) => {
  const { gasp, clock, store, told } = gaspOf([scripted('cores/a')], shutdown, { reading: 20_000 })
  store.fate = endless
  await clock.run(gasp.ended)
  t.equal(Math.round(clock.now()), 60_000)
  t.strictSame(told.toSorted(), ['NO COMPLETE BUNDLE', 'given back'])
})

t.test('a trigger that knows better gives the deadline, and another word moves it', async (t) => {
  for (const moved of [false, true]) {
    const { gasp, clock, store } = gaspOf([scripted('cores/a')], { trigger: 'notice', until: 30_000 })
    store.fate = endless
    if (moved) clock.after(1_000, () => gasp.rearm({ trigger: 'notice', until: 50_000 }))
    await clock.run(gasp.ended)
    t.equal(Math.round(clock.now()), moved ? 50_000 : 30_000)
    t.match(JSON.parse(String(store.named('opening.json'))), { trigger: 'notice' })
  }
})

t.test('one that hurries closes its manifest, or is left to itself', async (t) => {
  for (const dead of [false, true]) {
    const { gasp, clock, store, told } = gaspOf([hangs()], shutdown)
    if (dead) store.fate = () => 'deaf'
    clock.after(5_000, () => gasp.hurry())
    await clock.run(gasp.ended)
    t.ok(clock.now() >= 5_000 && clock.now() < 7_000, `${clock.now()}`)
    t.ok(told.includes(dead ? 'NO COMPLETE BUNDLE' : 'partial'), told.join())
  }
})

t.test('where there is no store, applications are let go, and the console says why', async (t) => {
  const { gasp, clock, collector, told, lines } = gaspOf([], shutdown, { store: new Error('no store is set') })
  await clock.run(gasp.ended)
  t.equal(collector.count('release'), 1)
  t.match(lines, [/: no store is set/])
  t.strictSame(told.toSorted(), ['NO COMPLETE BUNDLE', 'given back'])
})

t.test('where there is no store, and a collector that does not answer, that is said within a second', async (t) => {
  const { gasp, clock, collector, told } = gaspOf([], shutdown, { store: new Error('no store is set') })
  collector.releasing = (signal) => aborted(signal)
  await clock.run(gasp.ended)
  t.equal(clock.now(), 1_000)
  t.strictSame(told.toSorted(), ['NO COMPLETE BUNDLE', 'given back'])
})

t.test('it ends with the daemon, whatever it waits for', async (t) => {
  const end = new AbortController()
  const { gasp, clock, store, told } = gaspOf([hangs()], shutdown, { end: end.signal })
  store.fate = () => 'deaf'
  clock.after(5_000, () => end.abort())
  await clock.run(gasp.ended)
  t.equal(clock.now(), 5_000)
  t.ok(told.includes('NO COMPLETE BUNDLE'))
})

t.test('the boot before has half an hour, holds nobody, and what comes of it is remembered', async (t) => {
  const about = { bootId: '2'.repeat(32) }
  const before = { id: '2'.repeat(32), captured: false, stored: [] }
  for (const failing of [false, true]) {
    const ends: boolean[] = []
    const due: Due = { trigger: 'previous-boot', about, before, onEnd: (isStored) => ends.push(isStored) }
    const remembered: unknown[] = []
    const memory = {
      begun: (trigger: string, bundle: string) => remembered.push(`${trigger} ${bundle.length}`),
      ended: (trigger: string, captured: unknown) => remembered.push([trigger, captured !== undefined]),
    }
    const { gasp, clock, store, collector } = gaspOf(
      [scripted('cores/a', undefined, { mark: '00000000000000aa' })],
      due,
      {
        memory,
      },
    )
    if (failing) store.fate = endless
    await clock.run(gasp.ended)
    t.same(ends, [!failing])
    t.same(remembered, ['previous-boot 33', ['previous-boot', !failing]])
    t.same(collector.occasions[0], { trigger: 'previous-boot', boot: 'previous', before })
    const opening = JSON.parse(String(store.named('opening.json')))
    t.match(opening, { trigger: 'previous-boot', about })
    t.equal(Math.round((Date.parse(opening.deadline) - Date.parse(opening.started)) / 60_000), 30)
    t.ok([...store.objects.keys()].some((key) => /\.1800\.open$/.test(key)))
    t.equal(collector.count('release'), 0)
  }
})

t.test('without a store only a capture that holds applications lets them go', async (t) => {
  for (const trigger of ['shutdown', 'previous-boot'] as const) {
    const { gasp, clock, collector } = gaspOf([], { trigger }, { store: new Error('no store is set') })
    await clock.run(gasp.ended)
    t.equal(collector.count('release'), trigger === 'shutdown' ? 1 : 0, trigger)
  }
})

t.test('what is announced has the time until systemd begins besides, and SIGTERM counts it anew', async (t) => {
  const announced: Due = { trigger: 'shutdown', announced: 40_000 }
  for (const certain of [false, true]) {
    const { gasp, clock, store } = gaspOf([scripted('cores/a')], announced, { reading: 1_000 })
    store.fate = endless
    if (certain) clock.after(30_000, () => gasp.rearm(shutdown))
    await clock.run(gasp.ended)
    t.equal(Math.round(clock.now()), certain ? 90_000 : 100_000)
    const { requested, started, deadline } = JSON.parse(String(store.named('opening.json')))
    t.equal(Math.round((Date.parse(started) - Date.parse(requested)) / 100), 10, 'reading took a second')
    // A second has passed, and both may be late.
    t.equal(Date.parse(deadline) - Date.parse(started), 99_000 + 10_000)
  }
})

t.test('what is only announced stays open until SIGTERM, and what is certain does not', async (t) => {
  for (const announced of [undefined, 40_000]) {
    const due = { ...shutdown, ...(announced !== undefined && { announced }) }
    const { gasp, clock, told } = gaspOf([scripted('cores/a')], due)
    if (announced !== undefined) clock.after(30_000, () => gasp.rearm(shutdown))
    await clock.run(gasp.ended)
    t.equal(Math.floor(clock.now() / 1_000), announced === undefined ? 0 : 30)
    t.ok(told.includes('complete'), told.join())
  }
})

t.test('one that is cancelled lets nobody go any more: applications are held for the next time', async (t) => {
  for (const early of [false, true]) {
    const { gasp, clock, collector, told } = gaspOf(
      [hangs()],
      { trigger: 'shutdown', announced: 40_000 },
      { reading: 100 },
    )
    clock.after(early ? 50 : 5_000, () => gasp.cancel())
    await clock.run(gasp.ended)
    t.equal(collector.count('release'), early ? 0 : 1)
    t.ok(clock.now() < 8_000, `${clock.now()}`)
    t.ok(told.includes('partial'), told.join())
  }
})
