import t from 'tap'
import { onDisk } from '../../agent/store/directory/failure.ts'
import { failing } from '../contract/failing.ts'

const hanging = () => new Promise<never>(() => {})
const reason = new Error('the deadline has passed')

t.test('a disk that hangs costs as long as the signal allows', async (t) => {
  const controller = new AbortController()
  const waiting = onDisk('store /dead/nfs/key', controller.signal, hanging)
  controller.abort(reason)
  await t.rejects(waiting, failing('transient', /^cannot store \/dead\/nfs\/key: the deadline has passed$/))
})
