import t from 'tap'
import type { HoldLock } from '../../agent/collector/hold-lock.ts'
import type { Attended } from '../../agent/wall/answers.ts'
import { collectorAt } from '../../agent/wall/client.ts'
import { collectorOf } from './synthetic.ts'

/** A lock that tells what was done to it. */
function lock() {
  const done: string[] = []
  const hold = {
    held: false,
    acquire: () => {
      done.push('taken')
      hold.held = true
      return true
    },
    release: () => {
      done.push('let go')
      hold.held = false
      return true
    },
  }
  return { done, hold: hold as unknown as HoldLock }
}

async function until(holds: () => boolean): Promise<void> {
  for (const end = performance.now() + 10_000; !holds(); await new Promise((resolve) => setTimeout(resolve, 5)))
    if (performance.now() > end) throw new Error('waited in vain')
}

t.test('who attends hears what logind says, and at once what it has said before', async (t) => {
  const { done, hold } = lock()
  const { socket, desk } = await collectorOf(t, [], {}, hold)
  const attend = () => {
    const told: Attended[] = []
    const end = new AbortController()
    const over = collectorAt(socket)
      .attend((said) => void told.push(said), end.signal)
      .catch(() => {})
    const leave = async () => {
      end.abort()
      await over
    }
    return { told, leave }
  }
  const first = attend()
  await until(() => first.told.length === 1)
  desk.announcement.say({ within: 7 })
  desk.announcement.say({ within: 8 })
  await until(() => first.told.length === 2)
  const second = attend()
  await until(() => second.told.length === 1)
  t.same(done, ['taken'])
  await first.leave()
  await until(() => second.told.length === 3)
  desk.announcement.say(undefined)
  await until(() => second.told.length === 4)
  const [waiting, ...others] = second.told
  t.same(waiting, { waiting: true })
  t.same(others, [{ held: true }, { shutdown: 'announced', within: 7 }, { shutdown: 'cancelled' }])
  t.same(first.told, others.slice(0, 2))
  const passing = attend()
  await until(() => passing.told.length === 1)
  await passing.leave()
  t.same(done, ['taken', 'let go', 'taken'], 'who has waited in vain lets nobody go')
  await second.leave()
  await until(() => done.length === 4)
  t.equal(desk.announcement.listenerCount('changed'), 0)
  const third = attend()
  await until(() => third.told.length === 1)
  await third.leave()
  t.same(third.told, [{ held: true }], 'what was cancelled is not told')
  t.same(done.slice(0, 5), ['taken', 'let go', 'taken', 'let go', 'taken'])
})
