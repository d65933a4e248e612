import t from 'tap'
import { type Paced, paced } from '../../agent/capture/pace.ts'
import { somethingOf } from '../../agent/capture/something-of.ts'
import type { Taken } from '../../agent/wall/answers.ts'
import { OwnTime } from '../../agent/words/own-time.ts'
import { TestClock } from '../clock.ts'
import { lent, taken } from '../streams/poisoned.ts'

const UP = { because: 'deadline', reason: 'its time was up' } as const

/** A taking of these pieces, with what was asked of it and when. */
function scene(pieces: (clock: TestClock, stop: AbortSignal) => AsyncGenerator<Buffer, void, void>, budgetMs = 60_000) {
  const clock = new TestClock()
  const asked: string[] = []
  const stopping = new AbortController()
  const end = new AbortController()
  const stop = () => {
    asked.push(`${clock.now()} stop`)
    stopping.abort()
  }
  const taking = { stored: lent(pieces(clock, stopping.signal)), taken: new Promise<Taken>(() => {}), stop }
  const patience = {
    ...{ own: new OwnTime(clock), stall: 5_000, close: 1_500, up: () => UP },
    budget: clock.timeout(budgetMs),
  }
  const pace = paced(taking, patience, () => {
    asked.push(`${clock.now()} cut`)
    end.abort()
  })
  return { clock, asked, pace, end: end.signal }
}

async function drained({ clock, pace, end }: ReturnType<typeof scene>, each = 0): Promise<string> {
  const all: Buffer[] = []
  const drain = async () => {
    for await (const piece of pace.stored) {
      all.push(taken(piece))
      if (each > 0) await clock.sleep(each)
    }
  }
  const cut = new Promise<void>((resolve) => end.addEventListener('abort', () => resolve()))
  await clock.run(Promise.race([drain(), cut]))
  return Buffer.concat(all).toString()
}

t.test('what gives is not stopped, however slowly it is stored', async (t) => {
  const s = scene(async function* (clock) {
    for (const text of ['a', 'b', 'c']) {
      await clock.sleep(4_900)
      yield Buffer.from(text)
    }
  }, 1_000_000)
  t.equal(await drained(s, 20_000), 'abc')
  t.strictSame([s.asked, s.pace.stopped()], [[], undefined])
})

t.test('silence ends it, and then its connection', async (t) => {
  const s = scene(async function* () {
    yield Buffer.from('a')
    await new Promise(() => {})
  })
  t.equal(await drained(s, 1_000), 'a')
  t.strictSame(s.asked, ['6000 stop', '7500 cut'])
  t.match(s.pace.stopped(), { because: 'host', reason: 'it hung: no byte for 5 s' })
})

t.test('its time ends it, once; what it gives then is stored, and each piece is waited for anew', async (t) => {
  const s = scene(async function* (clock, stop) {
    while (!stop.aborted) {
      await clock.sleep(1_000)
      yield Buffer.from('a')
    }
    for (const text of ['b', 'c']) {
      await clock.sleep(1_400)
      yield Buffer.from(text)
    }
    await new Promise(() => {})
  }, 2_500)
  t.equal(await drained(s), 'aaabc')
  t.strictSame(s.asked, ['2500 stop', '7300 cut'])
  t.strictSame(s.pace.stopped(), UP)
})

t.test('a time that is up before it begins', async (t) => {
  const s = scene(async function* () {
    yield Buffer.from('a')
  }, 0)
  await s.clock.run(s.clock.sleep(1))
  t.equal(await drained(s), 'a')
  t.strictSame(s.asked, ['1 stop'])
})

t.test('who stops reading is not waited for, and what is read no longer is silent to nobody', async (t) => {
  let left = false
  const s = scene(async function* (clock) {
    try {
      yield Buffer.from('a')
      await clock.sleep(100)
      yield Buffer.from('b')
    } finally {
      left = true
    }
  })
  for await (const _ of s.pace.stored) break
  await s.clock.run(s.clock.sleep(100_000))
  t.ok(left)
  t.strictSame([s.asked, s.pace.stopped()], [[], undefined])
})

t.test('what fails is passed on, and nobody listens to it any longer', async (t) => {
  const s = scene(async function* (clock) {
    yield Buffer.from('a')
    await clock.sleep(100)
    throw new Error('it hung up')
  })
  await t.rejects(drained(s), /it hung up/)
  await s.clock.run(s.clock.sleep(100_000))
  t.strictSame([s.asked, s.pace.stopped()], [[], undefined])
})

t.test('something is held back until it is more than a head', async (t) => {
  const paceOf = (pieces: Buffer[], stopped?: ReturnType<Paced['stopped']>, error?: Error): Paced => ({
    stored: (async function* () {
      yield* lent(pieces)
      if (error) throw error
    })(),
    stopped: () => stopped,
  })
  const gathered = async (pace: Paced, sealed = false, said: Partial<Taken> = {}) => {
    const all: Buffer[] = []
    let asked = 0
    let thrown: unknown
    try {
      for await (const piece of somethingOf(pace, sealed, async () => {
        asked++
        return { bytesIn: 1, ms: 1, ...said }
      }))
        all.push(taken(piece))
    } catch (error) {
      thrown = error
    }
    return { pieces: all.map(({ length }) => length), text: Buffer.concat(all).toString(), asked, thrown }
  }
  const part = (bytes: number, text = 'x') => Buffer.alloc(bytes, text)
  t.match(await gathered(paceOf([Buffer.from('ab'), Buffer.from('cd')])), { text: 'abcd', pieces: [4], asked: 1 })
  t.match(
    await gathered(paceOf([part(16_384), part(1), part(10), part(10)])),
    { pieces: [16_385, 10, 10], asked: 0 },
    'a piece more, and it is passed on',
  )
  const nothing = { bytesIn: 0 }
  t.match(await gathered(paceOf([]), false, nothing), { pieces: [0], thrown: undefined }, 'an empty file is whole')
  t.match(await gathered(paceOf([part(200)], UP), true, nothing), { pieces: [], thrown: { blame: UP } })
  t.match(await gathered(paceOf([part(200)]), true, { ...nothing, truncated: 'EIO' }), {
    pieces: [],
    thrown: { name: 'NothingCame', message: 'EIO', blame: { because: 'host', reason: 'EIO' } },
  })
  t.match(await gathered(paceOf([part(200)], UP), true), { pieces: [200], thrown: undefined }, 'something was read')
  const broken = new Error('it hung up')
  t.match(await gathered(paceOf([part(2)], undefined, broken)), { pieces: [2], thrown: broken })
  t.match(await gathered(paceOf([part(2)], undefined, broken), true), { pieces: [], thrown: broken })
  t.match(await gathered(paceOf([part(17_000)], undefined, broken), true), { pieces: [17_000], thrown: broken })
})
