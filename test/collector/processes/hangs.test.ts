import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { HostReads } from '../../../agent/collector/host/host-reads.ts'
import { ledger } from '../../../agent/collector/host/ledger.ts'
import { findHangs } from '../../../agent/collector/processes/hangs.ts'
import { surveyProcesses } from '../../../agent/collector/processes/host-process.ts'
import { circlesOf, lockWaited, ownerOf } from '../../../agent/collector/processes/locks.ts'
import { unhurried } from '../reading.ts'

const PROGRAMS = join(import.meta.dirname, '../../vm/programs')
const hasCompiler = spawnSync('gcc', ['--version']).status === 0

/** A program of the machines, as it hangs. */
async function started(test: Test, name: string, ...args: readonly string[]) {
  const binary = join(test.testdir(), name)
  const made = spawnSync('gcc', ['-O2', '-pthread', '-o', binary, join(PROGRAMS, `${name}.c`)], { encoding: 'utf8' })
  test.equal(made.status, 0, made.stderr)
  const child = spawn(binary, args, { stdio: 'ignore' })
  test.teardown(() => child.kill('SIGKILL'))
  await once(child, 'spawn')
  return child.pid ?? 0
}

async function hangsOf(pid: number, root = '/') {
  using reads = new HostReads(root, ledger(), unhurried())
  const { processes } = await surveyProcesses(reads, 60_000)
  const { hangs } = await findHangs(
    reads,
    processes.filter((process) => process.pid === pid),
    60_000,
  )
  return hangs
}

t.test('a deadlock of two threads says who waits for whom', { skip: !hasCompiler && 'no compiler' }, async (t) => {
  const pid = await started(t, 'deadlocked')
  let [hang] = await hangsOf(pid)
  for (let tries = 0; hang === undefined && tries < 40; tries++) {
    await sleep(250)
    ;[hang] = await hangsOf(pid)
  }
  if (hang?.kind !== 'deadlock') return t.fail(`it is ${hang?.kind}`)
  const [first, second] = hang.waits
  t.equal(hang.waits.length, 2)
  t.strictSame([first?.holder, second?.holder], [second?.tid, first?.tid])
  t.notOk(
    hang.waits.some(({ tid }) => tid === pid),
    'the main thread is in no circle: it waits for them',
  )
})

t.test('who waits for the world is in no deadlock', async (t) => {
  const child = spawn('sleep', ['1000'])
  t.teardown(() => child.kill('SIGKILL'))
  await once(child, 'spawn')
  t.strictSame(await hangsOf(child.pid ?? 0), [])
})

/** A host whose one process is asked about, as its files say from look to look. */
const stat = (state: string, { utime = 0, nice = 0 } = {}) =>
  `7 (app) ${state} 1 1 1 0 -1 4194304 5 0 6 0 ${utime} 1 0 0 20 ${nice} 1 0 4711 4096000 100\n`
const files = (state: string, more: object = {}) => ({
  proc: {
    '7': {
      ...{
        stat: stat(state, more),
        status: 'Uid:\t0\n',
        cgroup: '0::/system.slice/app.service\n',
        io: 'syscr: 1\nsyscw: 1\n',
      },
      task: {
        '7': {
          ...{ stat: stat(state, more), schedstat: '1 0 9\n', wchan: 'folio_wait_bit_common' },
          status: 'voluntary_ctxt_switches:\t5\n',
        },
      },
    },
    self: { stack: '' },
  },
})

t.test('in uninterruptible sleep, and not run once', async (t) => {
  t.match(await hangsOf(7, t.testdir(files('D'))), [{ kind: 'blocked', tid: 7, wchan: 'folio_wait_bit_common' }])
})

/** Looks at a host on which these files change meanwhile. */
async function changing(test: Test, before: ReturnType<typeof files>, now: Readonly<Record<string, string>>) {
  const root = test.testdir(before)
  const timer = setTimeout(() => {
    for (const [path, content] of Object.entries(now)) writeFileSync(join(root, 'proc/7', path), content)
  }, 100)
  const hangs = await hangsOf(7, root)
  // The next one has the same directory.
  clearTimeout(timer)
  return hangs
}

t.test('who spins has used much of a processor before, and asks for nothing meanwhile', async (t) => {
  const long = { utime: 5000 }
  const ran = { 'task/7/schedstat': '9000000000 0 9\n', 'task/7/stat': stat('R', { utime: 5050 }) }
  t.match(await changing(t, files('R', long), ran), [{ kind: 'spinning', tid: 7, seconds: 50.51 }])
  const others: readonly (readonly [string, ReturnType<typeof files>, Readonly<Record<string, string>>])[] = [
    [
      'a program that has just been started',
      files('R', { utime: 10 }),
      { ...ran, 'task/7/stat': stat('R', { utime: 60 }) },
    ],
    ['who reads meanwhile', files('R', long), { ...ran, io: 'syscr: 2\nsyscw: 1\n' }],
    ['who waits meanwhile', files('R', long), { ...ran, 'task/7/status': 'voluntary_ctxt_switches:\t6\n' }],
    ['who does not get on', files('R', long), {}],
    [
      'who has said that he computes',
      files('R', { ...long, nice: 10 }),
      { ...ran, 'task/7/stat': stat('R', { utime: 5050, nice: 10 }) },
    ],
    ['in D, and run meanwhile', files('D'), { 'task/7/schedstat': '2 0 10\n' }],
  ]
  for (const [what, before, now] of others) t.strictSame(await changing(t, before, now), [], what)
})

t.test('a circle in a process that else goes on, in a namespace of ids of its own', async (t) => {
  const number = process.arch === 'arm64' ? 98 : 202
  const line = (pid: number, state: string) =>
    `${pid} (app) ${state} 1 1 1 0 -1 4194304 5 0 6 0 9 1 0 0 20 0 3 0 4711 4096000 100\n`
  const waiting = (tid: number, inner: number, address: string) => ({
    ...{ stat: line(tid, 'S'), schedstat: '1 0 9\n', wchan: 'futex_wait_queue', status: `NSpid:\t${tid}\t${inner}\n` },
    syscall: `${number} ${address} 0x80 0x2 0x0 0x0 0x0 0x7ffc 0x7fff\n`,
  })
  // Two mutexes of glibc, each with its owner as the other one calls it.
  const memory = Buffer.from(Uint32Array.from([0, 0, 0, 0, 2, 1, 3, 0, 2, 1, 2, 0]).buffer)
  const root = t.testdir({
    proc: {
      '7': {
        ...{ stat: line(7, 'S'), status: 'Uid:\t0\n', cgroup: '0::/system.slice/app.service\n', mem: memory },
        task: {
          '7': { stat: line(7, 'S'), wchan: 'do_poll' },
          '8': waiting(8, 2, '0x10'),
          '9': waiting(9, 3, '0x20'),
        },
      },
      self: { stack: '' },
    },
  })
  const waits = [
    { tid: 8, holder: 9 },
    { tid: 9, holder: 8 },
  ]
  t.match(await hangsOf(7, root), [{ kind: 'deadlock', tid: 8, waits }])
})

t.test('locks: what is waited for, and by whom it is owned', (t) => {
  const number = process.arch === 'arm64' ? 98 : 202
  const call = (operation: number, value: number, timeout = 0) =>
    lockWaited(`${number} 0x7f00 ${operation} 0x${value.toString(16)} 0x${timeout} 0x0 0x0 0x7ffc 0x7fff\n`)
  t.match(call(128, 2), { address: 0x7f00, isPrivate: true, isMutex: true })
  t.match(call(137, 0), { isMutex: false }, 'a condition')
  t.equal(call(128, 2, 1), undefined, 'with an end')
  t.equal(call(129, 1), undefined, 'who wakes')
  t.equal(lockWaited('7 0x7f00 0x1 0x2 0x0 0x0 0x0 0x7ffc 0x7fff'), undefined, 'another call')
  t.equal(lockWaited('running'), undefined)
  t.match(call(128, 0x80000007), { owner: 7 }, 'of musl')
  const words = (...all: readonly number[]) => Buffer.from(Uint32Array.from(all).buffer)
  const glibc = call(128, 2)
  const handed = call(6 | 128, 0)
  if (glibc === undefined || handed === undefined) return t.fail()
  t.equal(ownerOf(glibc, words(2, 1, 812)), 812)
  t.equal(ownerOf(glibc, words(1, 1, 812)), undefined, 'nobody waits for it any more')
  t.equal(ownerOf(handed, words(0x80000000 + 813, 0, 0)), 813)
  t.equal(ownerOf(handed, words(0)), undefined)
  t.end()
})

t.test('circles of threads', (t) => {
  const lock = (owner?: number) => ({ address: 1, isPrivate: true, isMutex: true, isHandedOn: false, owner })
  const circles = (...owners: readonly (readonly [number, number | undefined])[]) =>
    circlesOf(new Map(owners.map(([tid, owner]) => [tid, lock(owner)])))
  t.strictSame(circles([1, 2], [2, 3], [3, undefined]), [])
  t.strictSame(circles([1, 2], [2, 3], [3, 2]), [[2, 3]], 'the first waits for it, and is not in it')
  t.strictSame(circles([1, 1]), [[1]])
  t.strictSame(circles([1, 2], [2, 1], [3, 4], [4, 3], [5, 1]), [
    [1, 2],
    [3, 4],
  ])
  t.end()
})
