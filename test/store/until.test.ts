import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { onDisk } from '../../agent/store/directory/failure.ts'
import { until } from '../../agent/store/until.ts'
import { failing } from '../contract/failing.ts'

const hanging = () => new Promise<never>(() => {})
const reason = new Error('the deadline has passed')

t.test('work that is done in time gives its outcome', async (t) => {
  const { signal } = new AbortController()
  t.equal(await until(Promise.resolve(1), signal), 1)
  await t.rejects(until(Promise.reject(new Error('broken')), signal), { message: 'broken' } as Error)
})

t.test('a signal ends the wait for work that hangs', async (t) => {
  const controller = new AbortController()
  const waiting = until(hanging(), controller.signal)
  controller.abort(reason)
  await t.rejects(waiting, reason)
  await t.rejects(until(hanging(), controller.signal), reason, 'also when it has ended before')
})

t.test('what comes of the work later disturbs nobody', async (t) => {
  const work = Promise.withResolvers<void>()
  await t.rejects(until(work.promise, AbortSignal.abort(reason)), reason)
  work.reject(new Error('too late'))
  await turn()
})

t.test('a disk that hangs costs as long as the signal allows', async (t) => {
  const controller = new AbortController()
  const waiting = onDisk('store /dead/nfs/key', controller.signal, hanging)
  controller.abort(reason)
  await t.rejects(waiting, failing('transient', /^cannot store \/dead\/nfs\/key: the deadline has passed$/))
})
