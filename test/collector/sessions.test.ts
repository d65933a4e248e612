import t from 'tap'
import { newPatients } from '../../agent/collector/processes/patients.ts'
import { RESTING, Sessions } from '../../agent/collector/sessions.ts'
import type { Found, SourceContext } from '../../agent/collector/sources/source.ts'
import { generateIdentity } from '../../agent/seal/keys.ts'
import { defaultSettings } from '../../agent/settings/schema.ts'
import { collectorAt } from '../../agent/wall/client.ts'
import type { Taking } from '../../agent/wall/collector.ts'
import type { Occasion } from '../../agent/words/evidence.ts'
import { bytesOf } from '../frames/streams.ts'
import { taken } from '../streams/poisoned.ts'
import { chunks, collectorOf, item, source } from './synthetic.ts'

const SHUTDOWN: Occasion = { trigger: 'shutdown', boot: 'this' }
const EARLIER: Occasion = { trigger: 'previous-boot', boot: 'previous' }
const soon = () => AbortSignal.timeout(30_000)
const read = async ({ stored }: Taking) => (await bytesOf(stored)).toString()
const settings = defaultSettings()

/** Gives its first half, and the second once `go` resolves. */
async function* inHalves(go: Promise<void>) {
  yield Buffer.from('first ')
  await go
  yield Buffer.from('second')
}

t.test('sessions side by side: each takes what it was told of, while the other is opened and takes', async (t) => {
  const { promise: go, resolve } = Promise.withResolvers<void>()
  let opened = 0
  const { socket } = await collectorOf(t, [
    {
      name: 'cores',
      open() {
        const name = `cores/of-${++opened}`
        return {
          inventory: async () => ({
            found: [item(name, () => (name === 'cores/of-1' ? inHalves(go) : chunks(name)))],
            gaps: [],
          }),
          async *comesUp() {
            yield { found: [item(`${name}-late`, () => chunks(`late of ${name}`))], gaps: [] }
          },
        }
      },
    },
  ])
  const collector = collectorAt(socket)
  const first = await collector.open(EARLIER, 4000, soon())
  const taking = first.take('cores:cores/of-1', 1000, soon())
  const pieces = taking.stored[Symbol.asyncIterator]()
  t.equal(taken((await pieces.next()).value).toString(), 'first ')
  const second = await collector.open(SHUTDOWN, 4000, soon())
  t.match(second.listing.items, [{ id: 'cores:cores/of-2' }])
  t.equal(await read(second.take('cores:cores/of-2', 1000, soon())), 'cores/of-2')
  resolve()
  t.equal(taken((await pieces.next()).value).toString(), 'second')
  t.equal((await pieces.next()).done, true)
  t.match(await taking.taken, { bytesIn: 12 })
  await t.rejects(read(second.take('cores:cores/of-1', 1000, soon())), /this session was not told of it/)
  for (const [session, name] of [[first, 'of-1'] as const, [second, 'of-2'] as const]) {
    const { comesUp, stop } = session.watch(soon())
    stop()
    const [seen] = await Array.fromAsync(comesUp)
    t.match(seen?.items, [{ id: `cores:cores/${name}-late` }])
    t.equal(await read(session.take(`cores:cores/${name}-late`, 1000, soon())), `late of cores/${name}`)
  }
})

t.test('each goes by the settings of its own time, and tells its sources the occasion', async (t) => {
  const contexts: SourceContext[] = []
  const found: readonly Found[] = [item('cores/a', () => chunks('plain text'))]
  const { socket, desk } = await collectorOf(t, [
    {
      name: 'cores',
      open(context) {
        contexts.push(context)
        return { inventory: async () => ({ found, gaps: [] }) }
      },
    },
  ])
  const collector = collectorAt(socket)
  const plain = await collector.open(SHUTDOWN, 4000, soon())
  const recipients = [generateIdentity().recipient.text]
  const sealing = { ...desk.loaded, settings: { ...settings, seal: { ...settings.seal, recipients } } }
  Object.assign(desk, { reload: async () => sealing })
  const sealed = await collector.open(EARLIER, 4000, soon())
  t.strictSame(
    [plain, sealed].map(({ listing }) => listing.items[0]?.sealed),
    [false, true],
  )
  t.equal(await read(plain.take('cores:cores/a', 1000, soon())), 'plain text', 'as it was listed')
  t.match(await read(sealed.take('cores:cores/a', 1000, soon())), /^age-encryption/)
  t.strictSame(
    contexts.map(({ occasion }) => occasion),
    [SHUTDOWN, EARLIER],
  )
  t.strictSame(
    contexts.map((context) => context.settings.seal.recipients),
    [[], recipients],
  )
  t.not(contexts[0]?.patients, contexts[1]?.patients)
  t.equal(contexts[0]?.patients.turn, contexts[1]?.patients.turn, 'whose turn it is, is of the host')
})

t.test('the sessions of daemons that are gone do not pile up, and one that is used stays', async (t) => {
  const { promise: go, resolve } = Promise.withResolvers<void>()
  const { socket } = await collectorOf(t, [source('cores', [item('cores/a', () => inHalves(go))])])
  const collector = collectorAt(socket)
  const taking = await collector.open(EARLIER, 4000, soon())
  const taken = read(taking.take('cores:cores/a', 1000, soon()))
  const old = await collector.open(EARLIER, 4000, soon())
  for (let n = 0; n < RESTING; n++) await collector.open(EARLIER, 4000, soon())
  await t.rejects(read(old.take('cores:cores/a', 1000, soon())), { because: 'collector', message: /no such session/ })
  await t.rejects(old.findings(100, soon()), /no such session/)
  await t.rejects(Array.fromAsync(old.watch(soon()).comesUp), /no such session/)
  resolve()
  t.equal(await taken, 'first second')
  t.equal(await read(taking.take('cores:cores/a', 1000, soon())), 'first second', 'it was used last')
})

t.test('of those that rest the ones used last are kept', (t) => {
  const sessions = new Sessions()
  const of = { settings, sources: [], before: undefined, patients: newPatients('/') }
  const ids = Array.from({ length: RESTING }, () => {
    using held = sessions.begin(of)
    return held.session.id
  })
  const isThere = (id = '') => {
    try {
      sessions.use(id)[Symbol.dispose]()
      return true
    } catch {
      return false
    }
  }
  t.equal(isThere(ids[0]), true)
  sessions.begin(of)[Symbol.dispose]()
  t.strictSame(
    ids.map(isThere),
    ids.map((_, n) => n !== 1),
  )

  const held = sessions.use(ids[3] ?? '')
  for (let n = 0; n < 2 * RESTING; n++) sessions.begin(of)[Symbol.dispose]()
  t.strictSame(
    ids.map(isThere),
    ids.map((_, n) => n === 3),
    'one in use',
  )
  const twice = sessions.use(ids[3] ?? '')
  held[Symbol.dispose]()
  for (let n = 0; n < 2 * RESTING; n++) sessions.begin(of)[Symbol.dispose]()
  t.equal(isThere(ids[3]), true, 'used by another still')
  sessions.drop(twice.session)
  twice[Symbol.dispose]()
  t.equal(isThere(ids[3]), false, 'what was dropped does not come back')
  t.end()
})

t.test('a session whose listing reaches nobody is none', async (t) => {
  const { socket, desk } = await collectorOf(t, [
    source('cores', [], { inventory: () => new Promise(() => {}) }),
    source('journal', []),
  ])
  const begun: string[] = []
  const { begin } = desk.sessions
  desk.sessions.begin = (of) => {
    const held = begin.call(desk.sessions, of)
    begun.push(held.session.id)
    return held
  }
  await t.rejects(collectorAt(socket).open(SHUTDOWN, 4000, AbortSignal.timeout(200)), { name: 'TimeoutError' })
  const isThere = () => {
    try {
      desk.sessions.use(begun[0] ?? '')[Symbol.dispose]()
      return true
    } catch {
      return false
    }
  }
  t.equal(begun.length, 1)
  for (let tries = 0; isThere() && tries < 500; tries++) await new Promise((resolve) => setTimeout(resolve, 10))
  t.equal(isThere(), false)
})
