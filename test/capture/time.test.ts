import t from 'tap'
import { COURSES, GENEROUS_MS } from '../../agent/capture/courses.ts'
import { Time } from '../../agent/capture/time.ts'
import { aborted, MovableDeadline } from '../../agent/words/deadline.ts'
import { TestClock } from '../clock.ts'
import { never } from './scene.ts'

function timeOf(
  ms: number,
  { hold = 10_000, hurry = never, cancelled = never, course = COURSES.shutdown, parent = never } = {},
) {
  const clock = new TestClock()
  const given = new MovableDeadline(ms, clock)
  return { clock, given, time: new Time(course, given, hold, clock, { hurry, cancelled }, parent) }
}

/** When each of the ends comes, on the clock. */
async function endsOf(clock: TestClock, time: Time) {
  const at: Record<string, number> = {}
  const ends = {
    ...{ live: time.live, reading: time.reading(false), sending: time.sending, landing: time.landing, end: time.end },
  }
  const all = Object.entries(ends).map(async ([name, { signal }]) => {
    await aborted(signal)
    at[name] = clock.now()
  })
  await clock.run(Promise.all(all))
  return at
}

t.test('what ends when', async (t) => {
  const { clock, time } = timeOf(90_000)
  t.strictSame(await endsOf(clock, time), {
    ...{ live: 10_000, reading: 82_000, sending: 86_000, landing: 88_000, end: 90_000 },
  })
})

t.test('all of it moves with the deadline, but what has ended has ended', async (t) => {
  const { clock, given, time } = timeOf(5_000)
  clock.after(3_000, () => given.rearm(90_000))
  t.strictSame(await endsOf(clock, time), {
    ...{ live: 1_500, reading: 85_000, sending: 89_000, landing: 91_000, end: 93_000 },
  })
  const early = timeOf(5_000)
  early.clock.after(1_000, () => early.given.rearm(90_000))
  t.match(await endsOf(early.clock, early.time), { live: 10_000, end: 91_000 })
})

t.test('a shutdown that was cancelled ends all of it soon, and a host that is forced down then at once', async (t) => {
  const cancelled = new AbortController()
  const { clock, given, time } = timeOf(90_000, { cancelled: cancelled.signal })
  clock.after(20_000, () => cancelled.abort())
  clock.after(20_100, () => given.rearm(90_000))
  t.strictSame(await endsOf(clock, time), {
    ...{ live: 10_000, reading: 20_000, sending: 30_000, landing: 32_000, end: 40_000 },
  })
  t.strictSame(time.room, { live: 0, all: 0 })
  t.strictSame(time.up, { because: 'host', reason: 'the shutdown was cancelled' })
  t.match(time.blame(new Error('gone')), { reason: 'gone' }, 'what fails by itself has its own reason')

  const [both, hurry] = [new AbortController(), new AbortController()]
  const next = timeOf(90_000, { cancelled: both.signal, hurry: hurry.signal })
  next.clock.after(20_000, () => both.abort())
  next.clock.after(21_000, () => hurry.abort())
  t.match(await endsOf(next.clock, next.time), { reading: 20_000, sending: 21_150, landing: 21_400, end: 22_900 })
  t.match(next.time.up, { reason: 'the host was forced down' })

  const last = timeOf(90_000, { cancelled: AbortSignal.abort() })
  last.clock.after(0, () => last.given.rearm(90_000))
  t.match(await endsOf(last.clock, last.time), { live: 0, end: 20_000 })
  const short = timeOf(5_000, { cancelled: AbortSignal.abort() })
  t.match(
    await endsOf(short.clock, short.time),
    { sending: 4_500, landing: 4_750, end: 5_000 },
    'nothing ends later for it',
  )
})

t.test('a host that is forced down ends all of it', async (t) => {
  const hurry = new AbortController()
  const { clock, given, time } = timeOf(90_000, { hurry: hurry.signal })
  clock.after(20_000, () => hurry.abort())
  clock.after(20_100, () => given.rearm(90_000))
  t.strictSame(await endsOf(clock, time), {
    ...{ live: 10_000, reading: 20_000, sending: 20_150, landing: 20_400, end: 21_900 },
  })
  t.strictSame(time.room, { live: 0, all: 0 })
  t.strictSame(time.up, { because: 'host', reason: 'the host was forced down' })
  t.strictSame(time.blame(new Error('aborted')), time.up)
  const held = new AbortController()
  const early = timeOf(90_000, { hurry: held.signal })
  early.clock.after(5_000, () => held.abort())
  t.match(await endsOf(early.clock, early.time), { live: 5_000 })
  t.match(
    [early.time.live, early.time.end].map(({ signal }) => signal.reason.message),
    Array(2).fill(/forced down/),
  )
  t.strictSame(time.upFor(1_000), time.up)
  const at = timeOf(90_000, { hurry: AbortSignal.abort() })
  t.match(await endsOf(at.clock, at.time), { live: 0, end: 1_900 })
})

t.test('what there is room for, while applications wait, afterwards, and in the last look', async (t) => {
  const { clock, time } = timeOf(90_000)
  t.strictSame(time.room, { live: 10_000, all: 82_000 })
  t.equal(time.reading(true), time.live)
  await clock.run(clock.sleep(4_000))
  t.strictSame(time.room, { live: 6_000, all: 78_000 })
  t.equal(time.elapsed, 4_000)
  t.ok(time.held)
  time.letGo()
  t.notOk(time.held)
  t.strictSame(time.room, { live: 78_000, all: 78_000 })
  t.not(time.reading(true), time.live)
  const { sending } = time
  time.lastLook()
  t.equal(time.reading(false), sending, 'what came up last is read until the sending of the others ends')
  t.equal(time.sending.at, 87_000)
  t.strictSame(time.room.all, 82_000)
  t.strictSame(time.up, { because: 'deadline', reason: 'its time was up' })
  await clock.run(clock.sleep(83_000))
  t.strictSame(time.room, { live: 0, all: 0 }, 'never negative')
})

t.test('nobody waits for a course that takes nothing that lives', async (t) => {
  const { time } = timeOf(90_000, { course: COURSES.notice })
  t.notOk(time.held)
  t.strictSame(time.room, { live: 82_000, all: 82_000 })
})

t.test('with the capture all its waits end, and with what is above it', async (t) => {
  const { time } = timeOf(90_000)
  time[Symbol.dispose]()
  t.ok([time.end, time.live, time.sending, time.landing, time.reading(false)].every(({ signal }) => signal.aborted))
  const parent = new AbortController()
  const below = timeOf(90_000, { parent: parent.signal })
  parent.abort()
  t.ok(below.time.end.signal.aborted && below.time.live.signal.aborted)
})

t.test('what each trigger makes of a capture', async (t) => {
  t.strictSame(
    Object.entries(COURSES).map(([trigger, { phases, hold, boot, why, window, time, afterwards }]) => [
      ...[trigger, phases.join(' '), hold, boot, why, window, time, afterwards],
    ]),
    [
      ['shutdown', 'facts live stored', true, 'this', true, true, 'deadline', 'end'],
      ['notice', 'facts stored', false, 'this', false, false, 'notice', 'live'],
      ['previous-boot', 'stored', false, 'previous', false, false, 'generous', 'remember'],
      ['manual', 'facts live stored', false, 'this', false, false, 'deadline', 'end'],
    ],
    'as the design has it',
  )
  t.equal(GENEROUS_MS, 1_800_000, 'half an hour, as the settings may give at most')
})
