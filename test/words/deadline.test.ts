import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { pause, systemClock } from '../../agent/words/clock.ts'
import { abandonable, aborted, deadlineIn, MovableDeadline, within } from '../../agent/words/deadline.ts'
import { TestClock } from '../clock.ts'

const hanging = () => new Promise<never>(() => {})
const reason = new Error('the deadline has passed')

t.test('work that is done in time gives its outcome', async (t) => {
  const { signal } = new AbortController()
  t.equal(await abandonable(Promise.resolve(1), signal), 1)
  await t.rejects(abandonable(Promise.reject(new Error('broken')), signal), { message: 'broken' } as Error)
})

t.test('a signal ends the wait for work that hangs', async (t) => {
  const controller = new AbortController()
  const waiting = abandonable(hanging(), controller.signal)
  controller.abort(reason)
  await t.rejects(waiting, reason)
  await t.rejects(abandonable(hanging(), controller.signal), reason, 'also when it has ended before')
})

t.test('what comes of the work later disturbs nobody', async (t) => {
  const work = Promise.withResolvers<void>()
  await t.rejects(abandonable(work.promise, AbortSignal.abort(reason)), reason)
  work.reject(new Error('too late'))
  await turn()
})

t.test('a wait leaves no listener behind', async (t) => {
  const { getEventListeners } = await import('node:events')
  const aborting = new AbortController()
  t.equal(await abandonable(Promise.resolve(7), aborting.signal), 7)
  await t.rejects(abandonable(Promise.reject(new Error('its own')), aborting.signal), { message: 'its own' })
  t.equal(getEventListeners(aborting.signal, 'abort').length, 0)
  await t.rejects(abandonable(new Promise(() => {}), AbortSignal.abort(new Error('gone'))), { message: 'gone' })
})

t.test('a deadline that is moved passes when it was last moved to, and not before', async (t) => {
  const clock = new TestClock()
  const passedAt = (deadline: MovableDeadline) => clock.run(aborted(deadline.signal).then(() => clock.now()))
  t.equal(await passedAt(new MovableDeadline(1_000, clock)), 1_000)
  const later = new MovableDeadline(1_000, clock)
  clock.after(500, () => later.rearm(5_000))
  t.equal(await passedAt(later), 6_500)
  const sooner = new MovableDeadline(1_000, clock)
  clock.after(500, () => sooner.rearm(100))
  t.equal(await passedAt(sooner), 7_100)
})

t.test('a deadline tells what is left, who follows it is called, and it says why it has passed', async (t) => {
  const clock = new TestClock()
  const deadline = new MovableDeadline(1_000, clock)
  let moves = 0
  deadline.onMoved(() => {
    moves++
  })
  t.strictSame([deadline.at, deadline.left(), moves], [1_000, 1_000, 0])
  deadline.rearm(2_000)
  t.strictSame([deadline.at, deadline.left(), moves], [2_000, 2_000, 1])
  await clock.run(clock.sleep(1_500))
  t.equal(deadline.left(), 500)
  t.notOk(deadline.signal.aborted)
  deadline.rearm(0, new Error('forced'))
  await clock.run(clock.sleep(1))
  t.equal(deadline.signal.reason.message, 'forced')
  t.equal(deadline.left(), 0, 'never negative')
  const parent = new AbortController()
  const below = new MovableDeadline(1_000, clock, parent.signal)
  parent.abort(reason)
  t.equal(below.signal.reason, reason)
})

t.test('limits and pauses go by the clock that they are given', async (t) => {
  const clock = new TestClock()
  const { signal } = new AbortController()
  const deadline = deadlineIn(300, signal, clock)
  t.strictSame([deadline.at, deadline.left()], [300, 300])
  await clock.run(aborted(within(200, signal, clock)))
  t.strictSame([clock.now(), deadline.left(), deadline.signal.aborted], [200, 100, false])
  await clock.run(aborted(deadline.signal))
  t.strictSame([clock.now(), deadline.left()], [300, 0])
  await clock.run(pause(50, clock, signal))
  t.equal(clock.now(), 350)
  const ending = new AbortController()
  clock.after(10, () => ending.abort())
  await clock.run(pause(1_000, clock, ending.signal))
  t.equal(clock.now(), 360)
  await clock.run(pause(1_000, clock, ending.signal))
  t.equal(clock.now(), 360, 'nor is it begun')
  const { getEventListeners } = await import('node:events')
  t.equal(getEventListeners(signal, 'abort').length, 0)
})

t.test('the clock of the system', async (t) => {
  const began = systemClock.now()
  await new Promise<void>((resolve) => systemClock.after(20, resolve))
  t.ok(systemClock.now() - began >= 19)
  let called = 0
  const callOff = systemClock.after(1, () => {
    called++
  })
  callOff()
  let ticks = 0
  const end = systemClock.every(1, () => {
    ticks++
  })
  const keepAlive = systemClock.after(10_000, () => {})
  await aborted(systemClock.timeout(50))
  keepAlive()
  end()
  t.equal(called, 0)
  t.ok(ticks > 1)
  const told = ticks
  await pause(20, systemClock, new AbortController().signal)
  t.equal(ticks, told)
  t.ok(systemClock.timeout(-1) instanceof AbortSignal, 'what is over is over')
})
