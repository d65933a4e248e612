import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { READ_BYTES } from '../../../../agent/collector/host/reading.ts'
import { FIGURES, type Figures, type History, type Sample } from '../../../../agent/collector/recorder/history.ts'
import { factsSource } from '../../../../agent/collector/sources/facts/source.ts'
import type { Found } from '../../../../agent/collector/sources/source.ts'
import type { Settings } from '../../../../agent/settings/schema.ts'
import { allTaken } from '../../../streams/poisoned.ts'
import { fakeHost } from '../../host/fake-host.ts'
import { contextOf, looked } from '../../looking.ts'

/** Only tmpfs keeps such times. */
const noShm = !existsSync('/dev/shm') && 'no /dev/shm'
const ROOM = 64 * 1024 * 1024

async function take(root: string, limit = ROOM, signal = AbortSignal.timeout(60_000), history?: History) {
  const context = contextOf(root, { facts: { lines: 50 } } as Settings)
  const { found, gaps } = await looked(factsSource({ history: () => history }), context)
  t.strictSame(gaps, [])
  const [item] = found
  if (item === undefined) throw new Error('no facts')
  await using reading = await item.open(limit, signal)
  const chunks: Buffer[] = []
  for await (const chunk of allTaken(reading.chunks)) chunks.push(chunk)
  return { item, chunks, tar: Buffer.concat(chunks), outcome: reading.outcome() }
}

/** Names in a tar as the tar program lists them; it complains of a cut one and lists what is there all the same. */
function listed(tar: Buffer): readonly string[] {
  return spawnSync('tar', ['-t'], { input: tar, encoding: 'utf8' })
    .stdout.split('\n')
    .filter((name) => name !== '')
}

function extracted(tar: Buffer, name: string): string {
  return execFileSync('tar', ['-xO', name], { input: tar, encoding: 'utf8', maxBuffer: ROOM })
}

t.test('the facts of this machine', async (t) => {
  const planted = spawn('/bin/sh', ['-c', 'read x', 'app', '--password', 'planted-on-the-command-line'], {
    env: { PLANTED: 'planted-in-the-environment' },
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  t.teardown(() => planted.kill('SIGKILL'))
  await once(planted, 'spawn')
  const { item, chunks, tar, outcome } = await take('/')

  t.match(item, { id: 'facts', name: 'facts.tar.zst', class: 'text', phase: 'facts', encoding: 'frames', value: 1000 })
  t.ok(chunks.every((chunk) => chunk.length <= READ_BYTES))
  t.type(outcome.identity?.at, 'number')
  const names = listed(tar)
  t.equal(names[0], 'proc/meminfo')
  t.equal(names.at(-1), 'errors.txt')
  for (const name of ['proc/uptime', 'processes.tsv', 'cgroups.tsv', 'mounts.tsv', 'blocked-tasks.txt']) {
    t.ok(names.includes(name), name)
  }
  t.notOk(names.some((name) => name.startsWith('/') || name.endsWith('environ')))

  const rows = extracted(tar, 'processes.tsv')
    .split('\n')
    .map((line) => line.split('\t'))
  const [header = [], ...processes] = rows
  const row = (pid: number | undefined) => processes.find(([one]) => one === String(pid)) ?? []
  t.equal(row(process.pid)[header.indexOf('ppid')], String(process.ppid))
  t.equal(row(process.pid)[header.indexOf('uid')], String(process.getuid?.()))
  t.equal(row(process.pid)[header.indexOf('exe')], process.execPath)
  t.equal(row(planted.pid)[header.indexOf('command')], '/bin/sh -c read x app --password ***')
  t.equal(row(planted.pid)[header.indexOf('fds')], String(readdirSync(`/proc/${planted.pid}/fd`).length))
  t.notOk(tar.includes('planted-on-the-command-line'))
  t.notOk(tar.includes('planted-in-the-environment'))
  t.equal(extracted(tar, 'proc/sys/kernel/random/boot_id'), readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'))
})

t.test(
  'what was recorded comes first, its cover is in the receipt, and what has no room for it goes without',
  async (t) => {
    const root = t.testdir(fakeHost(t))
    const figures = Object.fromEntries(Object.keys(FIGURES).map((name) => [name, 2 ** 30])) as Figures
    const leak = { who: { pid: 7, comm: 'leak', unit: 'leak.service' }, memory: 2 ** 20, grown: 2 ** 19 }
    const samples = Array.from({ length: 200 }, (_, number): Sample => {
      const top = [{ ...leak, cpu: 1, threads: 1, fds: 1 }]
      return { number, at: number * 5000, wall: number * 5000, figures, disk: 'sda', top }
    })
    const history = { interval: 5000, span: 3_600_000, samples, kills: [] }
    const without = await take(root)
    const { tar, item, outcome } = await take(root, ROOM, undefined, history)
    t.strictSame(listed(tar).slice(0, 3), ['history.tsv', 'history-top.tsv', 'proc/meminfo'])
    t.match(outcome.identity?.details, {
      ...{ source: 'facts', recorded: 995_000, available: { from: 2 ** 30, least: 2 ** 30 } },
      grew: [{ pid: 7, comm: 'leak', unit: 'leak.service', grown: 2 ** 29, memory: 2 ** 30, killed: false }],
    })
    t.ok(item.bytes > without.item.bytes, 'the plan counts with it')
    t.match(extracted(tar, 'summary.txt'), /grew by 512MiB to 1GiB: leak \(7\) of leak\.service/)
    const narrow = await take(root, 90_000, undefined, history)
    t.notOk(listed(narrow.tar).includes('history.tsv'))
    t.ok(listed(narrow.tar).includes('summary.txt'))
    t.match(narrow.outcome.truncated, /^history\.tsv: no room for/)
  },
)

t.test('a tar that was cut anywhere lists and gives what came before the cut', async (t) => {
  const { tar } = await take(t.testdir(fakeHost(t)))
  const names = listed(tar)
  const memory = extracted(tar, 'proc/meminfo')
  for (let cut = 4096; cut < tar.length; cut += 7919) {
    const some = listed(tar.subarray(0, cut))
    t.strictSame(some, names.slice(0, some.length), `cut at ${cut}`)
    t.ok(
      some.length > 0 &&
        spawnSync('tar', ['-xO', 'proc/meminfo'], { input: tar.subarray(0, cut) }).stdout.equals(Buffer.from(memory)),
    )
  }
})

t.test('within any limit the tar is whole, and says what it had no room for', async (t) => {
  const root = t.testdir(fakeHost(t))
  const whole = await take(root)
  t.equal(whole.outcome.truncated, undefined)
  for (const limit of [0, 1023, 1024, 5000, 20_000, 50_000, whole.tar.length - 512]) {
    const { tar, outcome } = await take(root, limit)
    t.ok(tar.length <= limit, `${tar.length} of ${limit} bytes`)
    t.ok(outcome.truncated, String(limit))
    if (limit >= 1024) t.equal(spawnSync('tar', ['-t'], { input: tar }).status, 0, `a tar of ${limit}`)
    if (limit >= 50_000) t.match(extracted(tar, 'errors.txt'), 'no room for')
    if (limit >= 50_000) t.ok(listed(tar).includes('summary.txt'), 'for the summary there is room')
  }
})

t.test('when the time is up before it began there is still a tar that says so', async (t) => {
  const { tar, outcome } = await take('/', ROOM, AbortSignal.abort())
  t.equal(outcome.truncated, 'everything from here on: the time was up')
  t.match(extracted(tar, 'errors.txt'), 'the time was up')
  t.ok(listed(tar).includes('summary.txt'))
})

t.test('what is read at once is given at once, whatever hangs behind it', async (t) => {
  const root = t.testdir(fakeHost(t))
  const hung = ['proc/stat', 'proc/1/stat', 'proc/1/cgroup'].map((name) => join(root, name))
  execFileSync('rm', hung)
  execFileSync('mkfifo', hung)
  const cut = new AbortController()
  const context = contextOf(root, { facts: { lines: 50 } } as Settings)
  const { found } = await looked(factsSource(), context)
  await using reading = await (found[0] as Found).open(ROOM, cut.signal)
  const chunks: Buffer[] = []
  for await (const chunk of allTaken(reading.chunks)) {
    chunks.push(chunk)
    if (listed(Buffer.concat(chunks)).includes('kernel-log.txt')) break
  }
  // Before the first read that hangs had its time.
  for (const path of hung) closeSync(openSync(path, constants.O_RDWR | constants.O_NONBLOCK))
  const names = listed(Buffer.concat(chunks))
  t.strictSame(names.slice(0, 2), ['proc/meminfo', 'proc/uptime'])
  t.ok(names.includes('proc/pressure/memory'))
  t.match(
    extracted(Buffer.concat([...chunks, Buffer.alloc(1024)]), 'kernel-log.txt'),
    /Out of memory: Killed process 300/,
  )
  t.notOk(names.includes('processes.tsv'))
})

t.test('a process whose files hang costs its own row', async (t) => {
  const root = t.testdir(fakeHost(t))
  execFileSync('rm', [join(root, 'proc/200/cmdline')])
  execFileSync('mkfifo', [join(root, 'proc/200/cmdline')])
  const { tar, outcome } = await take(root)
  closeSync(openSync(join(root, 'proc/200/cmdline'), constants.O_RDWR | constants.O_NONBLOCK))
  t.match(outcome.truncated, /^proc\/200\/cmdline: no answer/)
  t.match(outcome.identity?.details, { leftOut: [{ path: 'proc/200/cmdline', reason: /^no answer/, times: 1 }] })
  t.match(extracted(tar, 'processes.tsv'), /^200\t.*odd\.service.*a\) b \(c\t-$/m)
  t.match(extracted(tar, 'processes.tsv'), /^300\t.*\/srv\/shop/m, 'others are whole')
})

t.test('a detail that hangs is a line in errors.txt, and the facts are complete', async (t) => {
  const root = t.testdir(fakeHost(t))
  const hung = ['proc/300/smaps_rollup', 'sys/fs/cgroup/system.slice/shop.service/memory.stat'].map((name) =>
    join(root, name),
  )
  execFileSync('rm', hung)
  execFileSync('mkfifo', hung)
  const { tar, outcome } = await take(root)
  for (const path of hung) closeSync(openSync(path, constants.O_RDWR | constants.O_NONBLOCK))
  t.equal(outcome.truncated, undefined)
  t.match(extracted(tar, 'errors.txt'), /^proc\/300\/smaps_rollup: no answer from the kernel/m)
  t.match(extracted(tar, 'errors.txt'), /^sys\/fs\/cgroup\/.*memory.stat: no answer from the kernel/m)
})

t.test(
  'a file of a year that no calendar has, a name that is no UTF-8, a start that is no number',
  { skip: noShm },
  async (t) => {
    const root = mkdtempSync('/dev/shm/lastgasp-test-')
    t.teardown(() => rmSync(root, { recursive: true }))
    mkdirSync(join(root, 'var/crash'), { recursive: true })
    mkdirSync(join(root, 'proc/7'), { recursive: true })
    writeFileSync(join(root, 'proc/7/stat'), '7 (app) S 1 7 7 0 -1 0 0 0 0 0 1 1 0 0 20 0 1 0\n')
    const names = [Buffer.from('old'), Buffer.from([0x63, 0xc3])]
    for (const name of names) {
      const path = Buffer.concat([Buffer.from(`${root}/var/crash/`), name])
      writeFileSync(path, 'x')
      utimesSync(path, 9e12, 9e12)
    }
    const { tar, outcome } = await take(root)
    t.equal(outcome.truncated, undefined)
    t.strictSame(extracted(tar, 'crash-files.tsv').trimEnd().split('\n').slice(1), [
      `/var/crash/c\\xc3\t1\t-\t${process.getuid?.()}`,
      `/var/crash/old\t1\t-\t${process.getuid?.()}`,
    ])
    t.match(extracted(tar, 'processes.tsv'), /^7\t1\t7\tS\t1\t-\t0\t-\t/m)
  },
)

t.test('a host without anything to read has facts that say so', async (t) => {
  const { tar, outcome } = await take(t.testdir({}))
  t.equal(outcome.truncated, undefined)
  t.match(extracted(tar, 'errors.txt'), 'proc/uptime: ENOENT')
})
