import { execFileSync } from 'node:child_process'
import { chownSync, closeSync, constants, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { HostReads } from '../../../../agent/collector/host/host-reads.ts'
import { ledger } from '../../../../agent/collector/host/ledger.ts'
import { parseStat } from '../../../../agent/collector/host/process-files.ts'
import { type Process, readProcesses } from '../../../../agent/collector/host/processes.ts'
import { readBlockedTasks } from '../../../../agent/collector/sources/facts/blocked-tasks.ts'
import { crashFiles } from '../../../../agent/collector/sources/facts/crash-files.ts'
import { kernelSigns } from '../../../../agent/collector/sources/facts/kernel-signs.ts'
import { readOpenFiles } from '../../../../agent/collector/sources/facts/open-files.ts'
import { processTable } from '../../../../agent/collector/sources/facts/process-table.ts'
import { signs } from '../../../../agent/collector/sources/facts/signs.ts'
import type { Snapshot } from '../../../../agent/collector/sources/facts/snapshot.ts'

const readsOf = (root: string) => new HostReads(root, ledger(), AbortSignal.timeout(60_000))
const stat = (pid: number, comm: string, state: string, rss = 1, threads = 1) =>
  `${pid} (${comm}) ${state} 1 ${pid} 0 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 ${threads} 0 100 4096 ${rss} 18446744073709551615\n`
const status = (uid: number) => `Uid:\t${uid}\t${uid}\t${uid}\t${uid}\n`
const process_ = (pid: number, comm: string, state: string, uid: number, more = {}) => ({
  [pid]: { stat: stat(pid, comm, state), status: status(uid), cgroup: '0::/a.service\n', ...more },
})

t.test("a process's name is no message of the kernel's", async (t) => {
  const names = ['Kernel panic', 'BUG: x', 'Oops: ', 'I/O error', 'Machine check']
  for (const name of names) {
    const lines = [
      `[    1.000000] ${name}[12]: segfault at 0 ip 0 sp 0 error 4 in a[1+1]`,
      `[    1.000000] traps: ${name}[12] general protection fault ip:0 sp:0 error:0 in a[1+1]`,
      `[    1.000000] traps: ${name}[12] trap invalid opcode ip:0 sp:0 error:0 in a[1+1]`,
    ]
    t.match(kernelSigns(lines), [/^a process crashed; kernel messages: 3/])
    t.equal(kernelSigns(lines).length, 1, name)
    for (const line of [
      `[    1.000000] [    400]  1000   400     1000      300        0        0        0    65536        0             0 ${name}`,
      `[    1.000000] CPU: 0 PID: 7 Comm: ${name} Not tainted 6.12.0 #1`,
      `[    1.000000] process '/tmp/${name}' started with executable stack`,
    ])
      t.same(kernelSigns([line]), [], line)
    const killed = `[    1.000000] Out of memory: Killed process 3 (${name}) total-vm:1kB`
    t.match(kernelSigns([killed]), [/^the kernel killed for want of memory/])
    t.equal(kernelSigns([killed]).length, 1)
  }
  for (const [line, means] of [
    ['Kernel panic - not syncing: Fatal exception', 'the kernel itself failed'],
    ['BUG: kernel NULL pointer dereference, address: 0', 'the kernel itself failed'],
    ['general protection fault, probably for non-canonical address 0xdead: 0000 [#1] SMP', 'the kernel itself failed'],
    ['INFO: task app:12 blocked for more than 120 seconds.', 'tasks hung'],
    ['I/O error, dev vda, sector 1 op 0x0:(READ)', 'a disk failed'],
    ['EXT4-fs error (device vda1): ext4_lookup:1: inode #2: comm ls: deleted', 'a file system is damaged'],
  ])
    t.match(
      kernelSigns([`[    1.000000] ${line}`])[0],
      `${means}; kernel messages: 1, the last: [    1.000000] ${line}`,
    )
})

t.test('many of one kind leave the others their lines', async (t) => {
  const processes = Array.from({ length: 40 }, (_, pid) => ({ pid, comm: 'a', fds: 10, fdsLimit: 10, threads: 1 }))
  const files = new Map([['proc/pressure/io', 'full avg10=50.00 avg60=0 avg300=0 total=1\n']])
  const snapshot = { files, processes, cgroups: [], fileSystems: [], kernelLog: [] } as unknown as Snapshot
  const found = signs(snapshot)
  t.equal(found.filter((line) => line.startsWith('in use of open files')).length, 5)
  t.match(found.slice(-2), ['and 35 more of descriptors', /^everything waited for io/])
})

t.test('names end no row', async (t) => {
  const comm = 'a\n\tb\x1b[2J)'
  const named = parseStat(stat(7, comm, 'S'), 4096)
  t.equal(named?.comm, comm)
  const table = processTable([{ ...named, command: 'x\r\ty\x9b' } as Process], { booted: 0, uptime: 1 })
  const rows = table.trimEnd().split('\n')
  t.equal(rows.length, 2)
  t.equal(rows[1]?.split('\t').length, rows[0]?.split('\t').length)
  t.match(table, String.raw`a\u{a}\u{9}b\u{1b}[2J)`)
})

t.test('who waits on purpose keeps the largest from nothing', async (t) => {
  const waiting = Object.assign({}, ...Array.from({ length: 20 }, (_, n) => process_(100 + n, 'waits', 'D', 4242)))
  const root = t.testdir({
    proc: { ...waiting, ...process_(900, 'shop', 'S', 33), 901: { stat: stat(901, 'big', 'S', 999) } },
  })
  using reads = readsOf(root)
  const processes = await readProcesses(reads, { processes: 99, detailed: 4, wait: 60_000 })
  const asked = processes.filter(({ unit, comm }) => unit !== undefined || comm === 'big').map(({ pid }) => pid)
  t.same(asked, [100, 101, 900, 901])
})

t.test('who waits on purpose hides nobody else that does', async (t) => {
  using reads = readsOf(t.testdir({}))
  const of = (uid: number, from: number, count: number) =>
    Array.from(
      { length: count },
      (_, n) => ({ pid: from + n, comm: `of ${uid}`, state: 'D', threads: 1, uid }) as Process,
    )
  const text = await readBlockedTasks(reads, [...of(4242, 100, 300), ...of(0, 900, 2)])
  t.equal(text.match(/^of 0, task/gm)?.length, 2)
  t.equal(text.match(/^of 4242, task/gm)?.length, 126)
})

t.test('who has most files open hides nobody else who has', async (t) => {
  const fds = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, fd) => [fd, t.fixture('symlink', '/x (deleted)')]))
  const root = t.testdir({ proc: { 1: { fd: fds(70) }, 2: { fd: fds(70) }, 3: { fd: fds(2) } } })
  using reads = readsOf(root)
  const of = (pid: number, uid: number, fds: number) => ({ pid, uid, fds, comm: `of ${uid}` }) as Process
  const { deleted } = await readOpenFiles(reads, [of(1, 4242, 70), of(2, 4242, 70), of(3, 0, 2)], new Set())
  t.equal(deleted.match(/\tof 0\t/g)?.length, 2)
  t.ok((deleted.match(/\tof 4242\t/g)?.length ?? 0) <= 128)
})

t.test('who hangs on purpose keeps nobody else from being read', async (t) => {
  const hung = [11, 12, 13].map((pid) => process_(pid, 'hangs', 'S', 4242))
  const root = t.testdir({
    proc: Object.assign({}, ...hung, process_(20, 'shop', 'S', 33, { cmdline: '/srv/shop\0' })),
  })
  const pipes = [11, 12, 13].map((pid) => join(root, `proc/${pid}/cmdline`))
  execFileSync('mkfifo', pipes)
  using reads = readsOf(root)
  const processes = await readProcesses(reads, { processes: 99, detailed: 99, wait: 60_000 })
  for (const pipe of pipes) closeSync(openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK))
  t.equal(processes.find(({ pid }) => pid === 20)?.command, '/srv/shop')
})

t.test(
  "a flood of names hides nobody else's file",
  { skip: process.getuid?.() === 0 ? false : 'needs root' },
  async (t) => {
    const root = t.testdir({ var: { crash: { '_usr_sbin_payd.0.crash': 'x' } } })
    for (let n = 0; n < 500; n++) {
      const path = join(root, 'var/crash', `z${n}`)
      writeFileSync(path, '')
      chownSync(path, 4242, 4242)
    }
    using reads = readsOf(root)
    const table = (await crashFiles(reads)).content.toString()
    t.match(table, /^\/var\/crash\/_usr_sbin_payd\.0\.crash\t1\t\S+\t0$/m)
    t.equal(table.match(/\t4242$/gm)?.length, 255)
  },
)
