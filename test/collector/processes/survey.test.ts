import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { newPatients } from '../../../agent/collector/processes/patients.ts'
import { newTurns } from '../../../agent/collector/processes/turns.ts'
import { executablesSource } from '../../../agent/collector/sources/executables/source.ts'
import { liveSource } from '../../../agent/collector/sources/live/source.ts'
import { stacksSource } from '../../../agent/collector/sources/stacks/source.ts'
import { defaultSettings } from '../../../agent/settings/schema.ts'
import { contextOf, looked, PLENTY } from '../looking.ts'

const soon = () => AbortSignal.timeout(30_000)
const stat = (pid: number, comm: string, state: string, { threads = 1, flags = 4194304 } = {}) =>
  `${pid} (${comm}) ${state} 1 1 1 0 -1 ${flags} 0 0 0 0 10 5 0 0 20 0 ${threads} 0 4711 4096000 100\n`

function one(pid: number, comm: string, state: string, cgroup: string, more: object = {}) {
  return {
    stat: stat(pid, comm, state, more),
    status: 'Uid:\t0\nVmRSS:\t 900 kB\nRssAnon:\t 300 kB\nRssShmem:\t 20 kB\nVmSwap:\t 8 kB\n',
    cgroup: `0::${cgroup}\n`,
    exe: t.fixture('symlink', `/usr/bin/${comm}`),
  }
}

/** A host on which one thing after another is in trouble. */
const host = {
  proc: {
    '2': { stat: stat(2, 'kthreadd', 'S', { flags: 2129984 }) },
    '10': one(10, 'fine', 'S', '/system.slice/fine.service'),
    '20': {
      ...one(20, 'hung', 'S', '/system.slice/hung.service', { threads: 2 }),
      task: {
        '20': { stat: stat(20, 'hung', 'S') },
        '21': { stat: stat(21, 'hung-io', 'D'), wchan: 'rpc_wait_bit_killable' },
      },
    },
    '30': { ...one(30, 'disk', 'D', '/system.slice/disk.service'), task: { '30': { stat: stat(30, 'disk', 'S') } } },
    '40': one(40, 'large', 'S', '/system.slice/large.service/inner'),
    '50': one(50, 'killed', 'S', '/system.slice/killed.service'),
    '60': one(60, 'cache', 'S', '/system.slice/cache.service'),
    '70': one(70, 'node', 'S', '/lastgasp.slice/lastgasp.service'),
    '75': one(75, 'flock', 'S', '/system.slice/lastgasp-hold.service'),
    '80': {},
    self: { mountinfo: '30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n', stack: '' },
    uptime: '1000.00 2000.00\n',
  },
  sys: {
    fs: {
      cgroup: {
        'system.slice': {
          // Of all that are below it, since the host was booted.
          'memory.events': 'oom_kill 3\n',
          'large.service': {
            ...{ 'memory.max': 'max\n', 'memory.high': '1000000\n' },
            'memory.stat': 'anon 900000\nfile 5\nshmem 50000\n',
            inner: { 'memory.max': 'max\n' },
          },
          'killed.service': { 'memory.events.local': 'low 0\nhigh 0\nmax 9\noom 1\noom_kill 2\n' },
          'cache.service': {
            ...{ 'memory.max': '1000000\n', 'memory.current': '1000000\n', 'memory.events': 'oom_kill 0\n' },
            'memory.stat': 'anon 1000\nfile 990000\nshmem 0\n',
          },
        },
      },
    },
  },
}

t.test('who is there, and who is in trouble', async (t) => {
  const { processes, unseen, troubled, unlearnt } = await newPatients(t.testdir(host)).survey(PLENTY, soon())
  t.strictSame(unlearnt, ['systemd did not say which units have failed'], 'there is none to be asked')
  t.equal(unseen, 0)
  t.strictSame(
    processes.map(({ pid }) => pid),
    [10, 20, 30, 40, 50, 60],
    'not the kernel’s, ours, or who is gone',
  )
  t.match(processes[0], {
    ...{ pid: 10, comm: 'fine', state: 'S', threads: 1, start: 4711, exe: '/usr/bin/fine' },
    ...{ cgroup: '/system.slice/fine.service', unit: 'fine.service', own: 328 * 1024 },
  })
  t.strictSame(
    [...troubled],
    [
      [20, { kind: 'blocked', comm: 'hung', tid: 21, wchan: 'rpc_wait_bit_killable' }],
      [40, { kind: 'short', group: 'large.service', percent: 95 }],
      [50, { kind: 'killed', count: 2 }],
    ],
    'nor who waits for a disk now and then, or fills its limit with caches',
  )
})

t.test('who was killed for want of memory, lately and in the unit itself', async (t) => {
  const killed = (unit: string, seconds: number) => {
    const at = seconds * 1_000_000
    const group = `oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),task_memcg=/system.slice/${unit},task=java,pid=812,uid=33`
    return `6,1,${at},-;${group}\n6,2,${at},-;Memory cgroup out of memory: Killed process 812 (java) total-vm:1kB\n`
  }
  const dev = { kmsg: killed('fine.service', 999) + killed('killed.service', 1) }
  const { troubled } = await newPatients(t.testdir({ ...host, dev })).survey(PLENTY, soon())
  t.strictSame(troubled.get(10), { kind: 'killed', comm: 'java', pid: 812 })
  t.notOk(troubled.has(50), 'what was killed a quarter of an hour ago is not what the host dies of')
  t.strictSame([...troubled.keys()], [10, 20, 40], 'and nobody else')
})

t.test('who is in trouble is not said to be nobody where it was not learnt', async (t) => {
  const root = t.testdir({ proc: { '10': host.proc['10'], self: host.proc.self } })
  const live = { ...defaultSettings().live, cores: ['failed'] }
  const settings = { ...defaultSettings(), seal: { ...defaultSettings().seal, unsealed: 'allow' as const }, live }
  const source = liveSource({ kind: 'missing', reason: 'none' })
  const { gaps } = await looked(source, contextOf(root, settings), soon())
  t.match(gaps, [
    { status: 'absent', reason: 'no process is meant by failed; systemd did not say which units have failed' },
  ])
})

t.test('what could not be read of a host is not absent', async (t) => {
  const root = t.testdir(host)
  const names = [10, 20, 30, 40, 50, 60].map((pid) => join(root, `proc/${pid}/cgroup`))
  for (const name of names) rmSync(name)
  execFileSync('mkfifo', names)
  const seal = { ...defaultSettings().seal, unsealed: 'allow' as const }
  const settings = { ...defaultSettings(), seal, executables: 'unpackaged' as const }
  const context = contextOf(root, settings)
  const missing = { kind: 'missing', reason: 'none' } as const
  const sources = [stacksSource(missing), liveSource(missing), executablesSource()]
  // Two hang, and the others are not tried; lastgasp's own cannot be told from them.
  const reason = 'of 8 of 8 processes it could not be read in which unit they are'
  for (const { found, gaps } of await Promise.all(sources.map((source) => looked(source, context, soon())))) {
    t.strictSame(found, [])
    t.match(gaps, [{ status: 'failed', reason }])
    t.equal(gaps.length, 1)
  }
  for (const name of names) closeSync(openSync(name, constants.O_RDWR | constants.O_NONBLOCK))
})

t.test('what was seen in time is told, and what was not', async (t) => {
  const root = t.testdir(host)
  const hung = ['memory.high', 'memory.max', 'memory.stat'].map((name) =>
    join(root, `sys/fs/cgroup/system.slice/large.service/${name}`),
  )
  for (const path of hung) rmSync(path)
  execFileSync('mkfifo', hung)
  // Each of them takes half a second until it counts as hung: longer than there is, in all.
  const { processes, troubled, unlearnt, lack } = await newPatients(root).survey(1_000, soon())
  for (const path of hung) closeSync(openSync(path, constants.O_RDWR | constants.O_NONBLOCK))
  t.strictSame(
    processes.map(({ pid }) => pid),
    [10, 20, 30, 40, 50, 60],
  )
  t.equal(lack, undefined)
  t.match(troubled.get(20), { kind: 'blocked', tid: 21 })
  t.ok(unlearnt.includes('there was no time to see whose memory has run out'))
})

t.test('a process whose stat cannot be read is counted, and one that is gone is not', async (t) => {
  const root = t.testdir({ proc: { '7': { stat: {} }, '8': {}, '10': host.proc['10'] } })
  const { processes, unseen, lack } = await newPatients(root).survey(PLENTY, soon())
  t.equal(processes.length, 1)
  t.equal(unseen, 1)
  t.equal(lack, '1 of 2 processes could not be looked at in time')
})

t.test('this machine: a process that was started here, and not we', async (t) => {
  const child = spawn('sleep', ['1000'])
  t.teardown(() => child.kill('SIGKILL'))
  await once(child, 'spawn')
  const { processes } = await newPatients('/').survey(PLENTY, soon())
  t.match(found(processes, child), { comm: 'sleep', threads: 1, exe: /sleep/ })
  t.equal(found(processes, process), undefined, 'ourselves')
  t.notOk(processes.some(({ comm }) => comm === 'kthreadd'))
})

const found = (processes: readonly { pid: number }[], { pid }: Pick<ChildProcess, 'pid'>) =>
  processes.find((process) => process.pid === pid)

t.test('who asks at the same time gets the same answer', async (t) => {
  const root = t.testdir(host)
  const patients = newPatients(root)
  const [first, second] = [patients.survey(PLENTY, soon()), patients.survey(PLENTY, soon())]
  t.equal(await first, await second)
  t.not(await newPatients(root).survey(PLENTY, soon()), await first, 'in one capture')
})

t.test('one at a time, in order; who waits may give up', async (t) => {
  const patients = newTurns()
  const order: string[] = []
  // Nothing else of this test keeps the process running.
  const alive = setInterval(() => {}, 1000)
  t.teardown(() => clearInterval(alive))
  const first = await patients.turn(soon())
  const second = patients.turn(soon()).then((turn) => {
    order.push('second')
    return turn
  })
  const third = patients.turn(soon()).then((turn) => {
    order.push('third')
    return turn
  })
  await t.rejects(patients.turn(AbortSignal.timeout(20)), { name: 'TimeoutError' })
  t.strictSame(order, [])
  first[Symbol.dispose]()
  const turn = await second
  t.strictSame(order, ['second'])
  first[Symbol.dispose]()
  await new Promise(setImmediate)
  t.strictSame(order, ['second'], 'a turn that is over ends no other')
  turn[Symbol.dispose]()
  await third
  t.strictSame(order, ['second', 'third'])
})
