import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { HostReads } from '../../../agent/collector/host/host-reads.ts'
import { ledger } from '../../../agent/collector/host/ledger.ts'
import { readProcesses } from '../../../agent/collector/host/processes.ts'
import { processTable } from '../../../agent/collector/sources/facts/process-table.ts'
import { fakeHost } from './fake-host.ts'

const WAIT = 60_000

async function read(root: string, bounds: Parameters<typeof readProcesses>[1]) {
  const troubles = ledger()
  using reads = new HostReads(root, troubles, AbortSignal.timeout(WAIT))
  const processes = await readProcesses(reads, bounds)
  const asked = processes.filter(({ unit }) => unit !== undefined).map(({ pid }) => pid)
  return { pids: processes.map(({ pid }) => pid), asked, lost: troubles.truncated() }
}

t.test('the blocked one is asked before the largest, and they before the others', async (t) => {
  const root = t.testdir(fakeHost(t))
  const pids = [1, 2, 200, 201, 300]
  t.match(await read(root, { processes: 99, detailed: 99, wait: WAIT }), {
    pids,
    asked: [1, 200, 300],
    lost: undefined,
  })
  const lost = 'processes.tsv: of 3 processes only what stat says'
  t.match(await read(root, { processes: 99, detailed: 2, wait: WAIT }), { pids, asked: [200, 300], lost })
  t.match(await read(root, { processes: 99, detailed: 1, wait: WAIT }), { pids, asked: [200] })
})

t.test('when the time is short every process still has its row', async (t) => {
  const { pids, asked, lost } = await read(t.testdir(fakeHost(t)), { processes: 99, detailed: 99, wait: 0 })
  t.strictSame(pids, [1, 2, 200, 201, 300])
  t.strictSame(asked, [])
  t.equal(lost, 'processes.tsv: of 5 processes only what stat says')
})

t.test('processes beyond the bound are counted', async (t) => {
  const { pids, lost } = await read(t.testdir(fakeHost(t)), { processes: 3, detailed: 99, wait: WAIT })
  t.strictSame(pids, [1, 2, 200])
  t.equal(lost, 'processes.tsv: 3 processes left out')
})

t.test(
  'a process whose cgroup was removed under it keeps its unit, and names are told as people read them',
  async (t) => {
    const root = t.testdir(fakeHost(t))
    writeFileSync(`${root}/proc/300/cgroup`, Buffer.from('0::/system.slice/caf\xe9-größe.service (deleted)\n', 'utf8'))
    writeFileSync(`${root}/proc/200/cgroup`, Buffer.from('0::/a\xff.slice/odd.service\n', 'latin1'))
    using reads = new HostReads(root, ledger(), AbortSignal.timeout(WAIT))
    const processes = await readProcesses(reads, { processes: 99, detailed: 99, wait: WAIT })
    const groups = processes
      .filter(({ pid }) => pid >= 200 && pid !== 201)
      .map(({ cgroup, unit }) => ({ cgroup, unit }))
    t.strictSame(groups, [
      { cgroup: '/a\\xff.slice/odd.service', unit: 'odd.service' },
      { cgroup: '/system.slice/café-größe.service', unit: 'café-größe.service' },
    ])
  },
)

t.test('a unit that could not be read is not none', async (t) => {
  const root = t.testdir(fakeHost(t))
  const path = join(root, 'proc/300/cgroup')
  rmSync(path)
  execFileSync('mkfifo', [path])
  const troubles = ledger()
  using reads = new HostReads(root, troubles, AbortSignal.timeout(WAIT))
  const processes = await readProcesses(reads, { processes: 99, detailed: 99, wait: WAIT })
  closeSync(openSync(path, constants.O_RDWR | constants.O_NONBLOCK))
  const [header = [], ...rows] = processTable(processes, { booted: 0, uptime: 1 })
    .split('\n')
    .map((line) => line.split('\t'))
  const unitOf = (pid: number) => rows.find(([one]) => one === String(pid))?.[header.indexOf('unit')]
  t.equal(unitOf(300), '?')
  t.equal(unitOf(200), 'odd.service')
  t.equal(unitOf(201), '-', 'there are no groups for it')
  t.equal(unitOf(2), '-', "the kernel's own is in none")
  const hurried = await readProcesses(reads, { processes: 99, detailed: 0, wait: WAIT })
  t.ok(hurried.every(({ isPlaced }) => !isPlaced))
})
