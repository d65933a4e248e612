import { once } from 'node:events'
import t from 'tap'
import type { SourceSession } from '../../agent/collector/sources/source.ts'
import { collectorAt } from '../../agent/wall/client.ts'
import type { Session, Watching } from '../../agent/wall/collector.ts'
import { bytesOf } from '../frames/streams.ts'
import { chunks, collectorOf, item, source } from './synthetic.ts'

const soon = () => AbortSignal.timeout(30_000)
type ComesUp = NonNullable<SourceSession['comesUp']>

/** A session with a source for each of these. */
async function sessionOf(t: Parameters<typeof collectorOf>[0], cores: ComesUp, journal?: ComesUp): Promise<Session> {
  const { socket } = await collectorOf(t, [
    source('cores', [], { comesUp: cores }),
    source('journal', [], journal && { comesUp: journal }),
    source('facts', []),
  ])
  return collectorAt(socket).open({ trigger: 'manual', boot: 'this' }, 4000, soon())
}

const up = (name: string) => ({ found: [item(name, () => chunks(name))], gaps: [] })

/** What is told, item or gap by item or gap. */
async function* told({ comesUp }: Watching): AsyncGenerator<string, void, void> {
  for await (const { items, gaps } of comesUp) {
    yield* items.map(({ id }) => id)
    yield* gaps.map(({ source, status, reason }) => `${source} ${status}: ${reason}`)
  }
}

t.test('what comes up is told at once, and can be taken while the watch goes on', async (t) => {
  const session = await sessionOf(
    t,
    async function* (_, stop) {
      yield up('cores/a')
      await once(stop, 'abort')
      yield up('cores/last')
    },
    async function* (_, stop) {
      await once(stop, 'abort')
      yield up('journal/last')
    },
  )
  const watching = session.watch(soon())
  const seen = told(watching)
  t.equal((await seen.next()).value, 'cores:cores/a')
  const { stored } = session.take('cores:cores/a', 1000, soon())
  t.equal((await bytesOf(stored)).toString(), 'cores/a')
  watching.stop()
  watching.stop()
  t.strictSame((await Array.fromAsync(seen)).sort(), ['cores:cores/last', 'journal:journal/last'])
})

t.test('what fails in it is told, and costs no other source its words', async (t) => {
  const session = await sessionOf(
    t,
    async function* () {
      yield up('cores/a')
      throw new Error('EIO')
    },
    async function* (_, stop) {
      if (!stop.aborted) await once(stop, 'abort')
      yield up('journal/last')
    },
  )
  const watching = session.watch(soon())
  const seen = told(watching)
  t.equal((await seen.next()).value, 'cores:cores/a')
  t.equal((await seen.next()).value, 'cores failed: cannot see what comes up of cores: EIO')
  watching.stop()
  t.strictSame(await Array.fromAsync(seen), ['journal:journal/last'])
})

t.test('a last look that hangs is told of, and what was found before it is there', async (t) => {
  let gaveUp = false
  const session = await sessionOf(
    t,
    async function* (_, _stop, signal) {
      yield up('cores/a')
      signal.addEventListener('abort', () => (gaveUp = true))
      await new Promise(() => {})
    },
    async function* () {
      yield up('journal/last')
    },
  )
  const watching = session.watch(soon())
  watching.stop()
  const seen = await Array.fromAsync(told(watching))
  t.strictSame(seen.sort(), [
    'cores failed: cannot see what comes up of cores: it took longer than 4000 ms',
    'cores:cores/a',
    'journal:journal/last',
  ])
  t.ok(gaveUp)
})

t.test('a daemon that is slow to read does not cost a look its time', async (t) => {
  const session = await sessionOf(t, async function* () {
    yield { found: Array.from({ length: 5000 }, (_, n) => item(`cores/${n}`, () => chunks())), gaps: [] }
  })
  const watching = session.watch(soon())
  watching.stop()
  const seen: string[] = []
  for await (const one of told(watching)) {
    if (seen.push(one) === 1) await new Promise((resolve) => setTimeout(resolve, 4_500))
  }
  t.strictSame([seen.length, seen.filter((one) => !one.startsWith('cores:'))], [5000, []])
})

t.test('it is found among what went wrong', async (t) => {
  const session = await sessionOf(t, async function* () {
    const comm = 'shop'
    const died = { pid: 7, comm, unit: 'shop.service', uid: 0, signal: 11, at: Date.now() }
    yield { found: [item('cores/shop.7.core.zst', () => chunks(), { identity: died })], gaps: [] }
  })
  const isTold = async () => (await session.findings(4000, soon())).some(({ subject }) => subject.pid === 7)
  t.equal(await isTold(), false)
  const watching = session.watch(soon())
  watching.stop()
  await Array.fromAsync(watching.comesUp)
  t.equal(await isTold(), true)
})

t.test('one at a time is answered; it ends with who asked', async (t) => {
  let ended = 0
  const session = await sessionOf(t, async function* (_, _stop, signal) {
    try {
      yield up('cores/a')
      await once(signal, 'abort')
    } finally {
      ended++
    }
  })
  const cut = new AbortController()
  const first = told(session.watch(cut.signal))
  await first.next()
  await t.rejects(Array.fromAsync(session.watch(soon()).comesUp), {
    because: 'collector',
    message: /is watched already/,
  })
  cut.abort(new Error('enough'))
  await t.rejects(first.next(), { message: 'enough' })
  for (let tries = 0; ended === 0 && tries < 500; tries++) await new Promise((resolve) => setTimeout(resolve, 10))
  t.equal(ended, 1)
  const again = session.watch(soon())
  again.stop()
  t.match(await Array.fromAsync(told(again)), ['cores:cores/a', /^cores failed/])
})
