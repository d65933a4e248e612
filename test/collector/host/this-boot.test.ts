import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { bootTime, thisBootId } from '../../../agent/collector/host/this-boot.ts'
import { unhurried } from '../reading.ts'
import { hanging } from './open-descriptors.ts'

t.test('the boot, as far as /proc tells', async (t) => {
  const random = { boot_id: '0b5e5d0a-8b5c-4f57-9b1e-0123456789ab\n' }
  const root = t.testdir({ proc: { stat: 'cpu 1\nbtime 1700000000\n', sys: { kernel: { random } } } })
  t.equal(await thisBootId(root, unhurried()), '0b5e5d0a8b5c4f579b1e0123456789ab')
  t.equal(await bootTime(root, unhurried()), 1_700_000_000_000)
  t.equal(await thisBootId(join(root, 'none'), unhurried()), undefined)
  t.equal(await bootTime(join(root, 'none'), unhurried()), 0)
})

t.test('one that does not answer is unknown after a while, and ends with the signal', async (t) => {
  const root = t.testdir()
  mkdirSync(join(root, 'proc/sys/kernel/random'), { recursive: true })
  hanging(t, join(root, 'proc/sys/kernel/random/boot_id'))
  t.equal(await thisBootId(root, unhurried()), undefined)
  await t.rejects(thisBootId(root, AbortSignal.timeout(20)), { name: 'TimeoutError' })
})
