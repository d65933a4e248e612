import t from 'tap'
import { jobList } from '../../agent/collector/host/dbus.ts'
import { askStopping } from '../../agent/collector/stopping.ts'
import { bodyOf, hostWith, type Job } from './systemd-with.ts'

const soon = () => AbortSignal.timeout(20_000)

t.test('jobs are read field by field, and a list that is cut is none', async (t) => {
  const body = bodyOf([
    ['later.service', 'stop', 'running'],
    ['a.mount', 'stop', 'waiting'],
  ])
  t.strictSame(jobList(body), [
    { unit: 'later.service', type: 'stop', state: 'running' },
    { unit: 'a.mount', type: 'stop', state: 'waiting' },
  ])
  t.strictSame(jobList(bodyOf([])), [])
  t.throws(() => jobList(body.subarray(0, -1)), /list of jobs is cut/)
})

t.test('who counts: services and scopes that are being stopped now, but ours', async (t) => {
  const before: Job[] = [
    ['lastgasp.service', 'stop', 'running'],
    ['lastgasp-hold.service', 'stop', 'running'],
    ['later.service', 'stop', 'waiting'],
    ['poweroff.target', 'start', 'waiting'],
  ]
  t.strictSame(await askStopping(await hostWith(t, before), 0, soon()), { running: 0, held: true })
  const after: Job[] = [
    ['lastgasp.service', 'stop', 'running'],
    ['lastgasp-cores.service', 'stop', 'running'],
    ['later.service', 'stop', 'running'],
    ['session-1.scope', 'stop', 'running'],
    ['dbus.service', 'stop', 'waiting'],
    ['mnt-data.mount', 'stop', 'running'],
    ['final.service', 'start', 'running'],
  ]
  t.strictSame(await askStopping(await hostWith(t, after), 0, soon()), { running: 2, held: false })
})

t.test('where systemd does not answer, it says so', async (t) => {
  await t.rejects(askStopping('/nonexistent', 0, soon()), /cannot ask systemd at .* for its jobs.*ENOENT/)
})
