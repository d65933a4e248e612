import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { afterOwn, OwnTime } from '../../agent/words/own-time.ts'
import { TestClock } from '../clock.ts'

t.test('time in which this process was not run hardly counts', async (t) => {
  using time = new OwnTime()
  const before = time.now()
  // As far as its event loop can tell.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4_000)
  t.ok(time.now() - before < 1_000)
  await sleep(1)
  t.ok(time.now() - before < 1_000, 'nor when the timer has fired')
  t.ok(time.now() - before >= 450, 'and yet it goes on')
})

t.test(
  'a wait by it takes as long as it says on a host that runs, and up to eight times as long on one that hardly does',
  async (t) => {
    const waited = async (late: number) => {
      const clock = new TestClock()
      clock.late = late
      using time = new OwnTime(clock)
      await clock.run(new Promise<void>((resolve) => afterOwn(5_000, time, resolve)))
      return clock.now()
    }
    t.equal(await waited(0), 5_000)
    t.equal(await waited(20), 5_020, 'a tick that is late by one more')
    const slow = await waited(100)
    t.ok(slow > 14_000 && slow < 16_000, `${slow} ms: a third`)
    const starved = await waited(1_000)
    t.ok(starved > 36_000 && starved < 44_000, `${starved} ms: an eighth`)
  },
)

t.test('who has heard an answer calls it off', async (t) => {
  const clock = new TestClock()
  using time = new OwnTime(clock)
  let called = 0
  const call = () => {
    called++
  }
  afterOwn(100, time, call)()
  afterOwn(300, time, call)
  let cancel = () => {}
  const after = clock.after.bind(clock)
  // Its timer has fired, and it is to be looked at in the next turn.
  clock.after = (ms, fire) => {
    return after(ms, () => {
      fire()
      cancel()
    })
  }
  cancel = afterOwn(200, time, call)
  await clock.run(clock.sleep(1_000))
  t.equal(called, 1)
})
