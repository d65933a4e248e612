import { join } from 'node:path'
import t from 'tap'
import { dumpFinished, dumpingProcesses } from '../../../../agent/collector/sources/cores/dumping.ts'
import { hanging } from '../../host/open-descriptors.ts'
import { unhurried } from '../../reading.ts'

const STATUS =
  'Name:\tshop\nUid:\t33\t33\t33\t33\nThreads:\t4\nVmRSS:\t    100 kB\nVmSwap:\t 20 kB\nVmData:\t 900 kB\nCoreDumping:\t1\n'
const ID = '0123456789abcdef'.repeat(4)

t.test('who is dumping core, and in which unit and container', async (t) => {
  const cgroup = Buffer.from(`0::/machine.slice/docker-${ID}.scope/größe.service (deleted)\n`)
  const proc = t.testdir({
    '300': { status: STATUS, cgroup: cgroup.toString() },
    '301': { status: STATUS.replace('CoreDumping:\t1', 'CoreDumping:\t0') },
    '302': {},
    self: { status: STATUS },
  })
  const who = { pid: 300, comm: 'shop', uid: 33, threads: 4, unit: 'größe.service', container: ID }
  t.same(await dumpingProcesses(proc, unhurried()), {
    found: [{ ...who, bytes: 120 * 1024, reserved: 900 * 1024 }],
    isAll: true,
  })
})

t.test('a process that does not answer costs no more than the signal allows', async (t) => {
  const proc = t.testdir({ '300': {}, '301': { status: STATUS } })
  const [shop] = (await dumpingProcesses(proc, unhurried())).found
  hanging(t, join(proc, '300/status'))
  t.match(await dumpingProcesses(proc, AbortSignal.timeout(200)), { found: [{ pid: 301 }], isAll: false })
  if (shop === undefined) return t.fail('it is dumping')
  await t.rejects(dumpFinished(proc, { ...shop, pid: 300 }, AbortSignal.timeout(50)), /still being written/)
})
