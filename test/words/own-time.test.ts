import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { afterOwn, OwnTime, withinOwn } from '../../agent/words/own-time.ts'
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

t.test('a limit by it ends with its time, with its parent, and with who waited', async (t) => {
  const clock = new TestClock()
  clock.late = 100
  const parent = new AbortController()
  using long = withinOwn(60_000, parent.signal, clock)
  {
    using short = withinOwn(1_000, parent.signal, clock)
    await clock.run(clock.sleep(1_500))
    t.notOk(short.signal.aborted, 'nothing is run in time')
    await clock.run(clock.sleep(9_000))
    t.match(short.signal.reason, { message: 'no answer within 1000 ms' })
  }
  const over = withinOwn(1_000, parent.signal, clock)
  over[Symbol.dispose]()
  await clock.run(clock.sleep(20_000))
  t.notOk(over.signal.aborted)
  t.notOk(long.signal.aborted)
  parent.abort()
  t.ok(long.signal.aborted)
})
