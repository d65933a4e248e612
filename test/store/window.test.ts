import t from 'tap'
import { sendsAlone } from '../../agent/store/fit.ts'
import { PART_BYTES } from '../../agent/store/part-bytes.ts'
import { retrying } from '../../agent/store/retrying.ts'
import { type Store, StoreError } from '../../agent/store/store.ts'
import { MOST_PARTS, Window } from '../../agent/store/window.ts'
import { writeObject } from '../../agent/store/write-object.ts'
import { seeded } from '../random.ts'
import { lent } from '../streams/poisoned.ts'
import { SimulatedLink } from './simulated-link.ts'

const MB = 1_000_000
// Longer than a runner allows by itself, for machines that do much else.
t.setTimeout(180_000)
const never = new AbortController().signal
const part = Buffer.alloc(PART_BYTES)

/** Sends so many parts as an upload does, each after `wait`; gives the ms that they took and how many were under way on average. */
async function sent(link: SimulatedLink, count: number, wait?: () => Promise<void>, end = PART_BYTES) {
  const { pace } = link.store
  const [began, area] = [link.now, link.area]
  async function send() {
    const flying: Promise<void>[] = []
    for (let number = 1; number <= count; number++) {
      await wait?.()
      const place = await pace.window.room(() => (sendsAlone(pace) ? 1 : Number.POSITIVE_INFINITY), never)
      const bytes = number === count ? end : PART_BYTES
      place.sends(bytes)
      flying.push(link.part(bytes).then(() => place.landed()))
      if (number === 1) await flying[0]
    }
    await Promise.all(flying)
  }
  await link.run(send())
  const ms = link.now - began
  return { ms, average: (link.area - area) / ms }
}

t.test('where each connection has its own rate, as many parts are under way as memory allows', async (t) => {
  const link = new SimulatedLink({ each: 20 * MB, all: Number.POSITIVE_INFINITY, delay: 40 })
  const { ms } = await sent(link, 60)
  t.equal(link.most, MOST_PARTS)
  t.equal(link.store.pace.window.size, MOST_PARTS)
  const one = PART_BYTES / 20_000 + 40
  t.ok(ms < one * (60 / MOST_PARTS + 4), `soon: ${(ms / one).toFixed(1)} times as long as one part takes`)
})

t.test('a short upload has several under way as soon as the first is there', async (t) => {
  const link = new SimulatedLink({ each: 20 * MB, all: Number.POSITIVE_INFINITY, delay: 40 })
  await sent(link, 5)
  t.equal(link.most, 4)
  const slow = new SimulatedLink({ each: 6 * MB, all: Number.POSITIVE_INFINITY, delay: 40 })
  await sent(slow, 5)
  t.equal(slow.most, 2, 'but no more than would land within two seconds if they shared its rate')
  const near = new SimulatedLink({ each: 120 * MB, all: 150 * MB, delay: 2 })
  await sent(near, 5)
  t.equal(near.most, 2, 'nor more than two where one has landed at once')
})

t.test('so they are where no two requests are as fast', async (t) => {
  const random = seeded(1)
  const link = new SimulatedLink({ each: () => (10 + 20 * random()) * MB, all: Number.POSITIVE_INFINITY, delay: 40 })
  const { average } = await sent(link, 100)
  t.ok(average > 5.5, `${average.toFixed(2)} on average`)
})

t.test('where all share one link, more at a time are tried, in vain, and seldom', async (t) => {
  const link = new SimulatedLink({ each: Number.POSITIVE_INFINITY, all: 20 * MB, delay: 40 })
  const { ms, average } = await sent(link, 150)
  t.ok(link.most <= 4, `${link.most} at most`)
  t.ok(average < 2.6, `${average.toFixed(2)} on average`)
  t.ok(ms < ((150 * PART_BYTES) / 20_000) * 1.1, 'and cost no time')
})

t.test('where a few connections fill the link, so many are under way', async (t) => {
  const link = new SimulatedLink({ each: 20 * MB, all: 60 * MB, delay: 40 })
  const { average } = await sent(link, 150)
  t.ok(average > 2.7 && average < 5.5, `${average.toFixed(2)} on average`)
})

t.test('on a slow link parts are sent alone', async (t) => {
  const link = new SimulatedLink({ each: Number.POSITIVE_INFINITY, all: MB, delay: 40 })
  await sent(link, 20)
  t.equal(link.most, 1)
})

t.test('a source that is slower than the store needs no more', async (t) => {
  const link = new SimulatedLink({ each: 20 * MB, all: Number.POSITIVE_INFINITY, delay: 40 })
  await sent(link, 60, () => link.sleep(PART_BYTES / 30_000))
  t.ok(link.most <= 3, `${link.most} at most`)
})

t.test('a link that becomes slower, and fast again, is followed', async (t) => {
  const link = new SimulatedLink({ each: 20 * MB, all: Number.POSITIVE_INFINITY, delay: 40 })
  await sent(link, 40)
  link.link.all = 20 * MB
  await sent(link, 20)
  const { average } = await sent(link, 80)
  t.ok(average < 3.2, `${average.toFixed(2)} on average`)
  link.link.all = Number.POSITIVE_INFINITY
  const { window } = link.store.pace
  await sent(link, 100)
  t.equal(window.size, MOST_PARTS)
  window.fell()
  await sent(link, 28)
  t.equal(window.size, MOST_PARTS, 'what was tried in vain before is forgotten')
})

t.test('the short end of an object tells nothing', async (t) => {
  const link = new SimulatedLink({ each: Number.POSITIVE_INFINITY, all: 20 * MB, delay: 40 })
  for (let count = 0; count < 15; count++) await sent(link, 9, undefined, 100_000)
  t.ok(link.most <= 4, `${link.most} at most`)
})

t.test('what fails is tried again with fewer at a time', async (t) => {
  const link = new SimulatedLink({ each: 20 * MB, all: Number.POSITIVE_INFINITY, delay: 40 })
  await sent(link, 40)
  t.equal(link.store.pace.window.size, MOST_PARTS)
  let fails = 1
  const busy: Store = {
    ...link.store,
    begin: async (key, signal) => {
      const upload = await link.store.begin(key, signal)
      const send: typeof upload.part = async (...sending) => {
        if (fails-- > 0) throw new StoreError('transient', 'busy')
        await upload.part(...sending)
      }
      return { ...upload, part: send }
    },
  }
  const upload = await retrying(busy, 2).begin('object', never)
  const sending = upload.part(1, part, never)
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(link.store.pace.window.size, MOST_PARTS / 2)
  // Between the two tries, real time passes.
  while (fails > -1) await new Promise((resolve) => setTimeout(resolve, 5))
  await link.run(sending)
})

t.test('an upload to a slow link sends alone, too', async (t) => {
  const link = new SimulatedLink({ each: Number.POSITIVE_INFINITY, all: MB, delay: 40 })
  async function* parts() {
    for (let number = 0; number < 5; number++) yield part
  }
  await link.run(writeObject(link.store, 'core', lent(parts()), {}, never))
  t.equal(link.most, 1)
})

t.test('what does not fit any more leaves its room', async (t) => {
  const link = new SimulatedLink({ each: 20 * MB, all: Number.POSITIVE_INFINITY, delay: 40 })
  for (let count = 0; count <= MOST_PARTS; count++) {
    let left = Number.POSITIVE_INFINITY
    async function* parts() {
      yield part
      yield part
      left = 0
      yield part
    }
    const until = { signal: never, at: Number.POSITIVE_INFINITY, left: () => left }
    const { bytes } = await link.run(writeObject(link.store, 'cut', lent(parts()), { until }, never))
    t.equal(bytes, PART_BYTES)
  }
})

t.test('uploads share the room', async (t) => {
  const link = new SimulatedLink({ each: 20 * MB, all: Number.POSITIVE_INFINITY, delay: 40 })
  async function* parts() {
    for (let number = 0; number < 12; number++) yield part
  }
  const writing = ['a', 'b', 'c'].map((key) => writeObject(link.store, key, lent(parts()), {}, never))
  const written = await link.run(Promise.all(writing))
  t.same(
    written.map(({ bytes, cut }) => [bytes, cut]),
    written.map(() => [12 * PART_BYTES, undefined]),
  )
  t.equal(link.most, MOST_PARTS)
})

t.test('whoever waits for room does so until the signal ends, and takes none with it', async (t) => {
  const window = new Window(() => 0)
  await t.rejects(
    window.room(() => 2, AbortSignal.abort(new Error('too late'))),
    { message: 'too late' } as unknown as Error,
  )
  const [one, two] = [await window.room(() => 2, never), await window.room(() => 2, never)]
  const end = new AbortController()
  const waiting = window.room(() => 2, end.signal)
  end.abort(new Error('the time is up'))
  await t.rejects(waiting, { message: 'the time is up' } as unknown as Error)
  const next = window.room(() => 2, never)
  one.leave()
  one.leave()
  const third = await next
  let full = true
  const fourth = window
    .room(() => 2, never)
    .then((place) => {
      full = false
      return place
    })
  await new Promise((resolve) => setImmediate(resolve))
  t.ok(full, 'a place is left once')
  two.leave()
  await fourth
  third.leave()
})
