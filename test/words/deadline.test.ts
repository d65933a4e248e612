import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { abandonable } from '../../agent/words/deadline.ts'

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
