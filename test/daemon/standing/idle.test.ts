import t from 'tap'
import { Idle } from '../../../agent/daemon/standing/idle.ts'
import { aborted } from '../../../agent/words/deadline.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

t.test('what is done in idle time ends with it, and begins again with the next, until the end of all', async (t) => {
  const idle = new Idle()
  const end = new AbortController()
  const told: string[] = []
  const done = idle.during(async (now) => {
    told.push('begins')
    await aborted(now)
    told.push('ends')
  }, end.signal)
  idle.begin()
  await turn()
  t.strictSame(told.splice(0), ['begins'])
  idle.end()
  idle.end()
  t.ok(idle.signal.aborted)
  await turn()
  t.strictSame(told.splice(0), ['ends'])
  idle.begin()
  t.notOk(idle.signal.aborted)
  await turn()
  t.strictSame(told.splice(0), ['begins'])
  end.abort()
  await done
  t.strictSame(told, ['ends'])
})

t.test('who begins between two idle times waits, and who has ended does nothing', async (t) => {
  const idle = new Idle()
  const end = new AbortController()
  const told: boolean[] = []
  const work = async (now: AbortSignal) => void told.push(now.aborted)
  idle.end()
  const done = idle.during(work, end.signal)
  await turn()
  t.strictSame(told, [])
  idle.begin()
  await turn()
  t.strictSame(told, [false], 'once, though it has nothing more to do')
  end.abort()
  await done
  await idle.during(work, end.signal)
  t.equal(told.length, 1)
})
