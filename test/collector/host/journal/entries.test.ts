import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { coredumpEntries } from '../../../../agent/collector/host/journal/entries.ts'
import { newestEntries } from '../../../../agent/collector/host/journal/newest.ts'
import { openKernelFile } from '../../../../agent/collector/host/kernel-file.ts'
import { unhurried } from '../../reading.ts'
import { journalctl } from '../../sources/journal/host.ts'
import { coredumpUnit, crash, type Fields, from, writeJournal } from './write-journal.ts'

const CRASH = 'MESSAGE_ID=fc2e22bc6ee647b6b90729ab34a250b1'
const FIELDS = ['COREDUMP_PID', 'COREDUMP_UNIT', 'COREDUMP_TRUNCATED', 'COREDUMP_PROC_MAPS']

async function find(entries: readonly Fields[], most = 99) {
  const path = join(t.testdir(), 'a.journal')
  writeFileSync(path, writeJournal(entries))
  using file = await openKernelFile(path, unhurried())
  const found = await Array.fromAsync(coredumpEntries(file, CRASH, FIELDS, most, unhurried()))
  return { path, found, pids: found.map((entry) => entry.fields.get('COREDUMP_PID')) }
}

const real = (pid: number, more: Fields = []) => [...crash(pid, more), ...from(coredumpUnit(pid), 998)]
const forged = (pid: number, unit: string | undefined, uid: number) => [
  ...crash(pid),
  ...from(unit, uid),
  '_COMM=systemd-coredum',
  '_EXE=/usr/lib/systemd/systemd-coredump',
]

t.test("systemd-coredump's, newest first", async (t) => {
  const other = ['MESSAGE=Removed old coredump', ...from(coredumpUnit(3), 0)]
  const { path, found, pids } = await find([
    real(1),
    real(2, ['COREDUMP_TRUNCATED=1', `COREDUMP_PROC_MAPS=${'x'.repeat(3000)}`]),
    other,
    real(3),
  ])
  t.same(pids, ['3', '2', '1'])
  t.same(pids.toReversed(), journalctl(`--file=${path}`, CRASH, '--output-fields=COREDUMP_PID').trim().split('\n'))
  t.same(
    found.map((entry) => entry.fields.get('COREDUMP_TRUNCATED')),
    [undefined, '1', undefined],
  )
  t.equal(found[0]?.fields.get('COREDUMP_UNIT'), 'app@3.service')
  t.notOk(
    found.some((entry) => entry.fields.has('COREDUMP_PROC_MAPS')),
    'a long field may be compressed, and is left',
  )
  t.same((await find([real(1), real(2), real(3)], 2)).pids, ['3', '2'])
  t.same((await find([other])).pids, [])
})

t.test("nobody else's, however many", async (t) => {
  const flood = Array.from({ length: 400 }, (_, n) => forged(5, n % 2 === 0 ? 'session-4.scope' : undefined, 1000))
  const { pids } = await find(
    [real(1), ...flood, forged(6, 'user@1000.service', 1000), forged(7, 'shop.service', 0)],
    32,
  )
  t.same(pids, ['1'])
})

t.test('the newest of all, newest first, as many and as old as is wished', async (t) => {
  const path = join(t.testdir(), 'a.journal')
  const entries = Array.from({ length: 9 }, (_, n) => [`MESSAGE=m${n}`, `OTHER=${n % 2}`, '_SYSTEMD_UNIT=a.service'])
  writeFileSync(path, writeJournal(entries))
  using file = await openKernelFile(path, unhurried())
  const newest = async (most: number, since: number) =>
    (await Array.fromAsync(newestEntries(file, ['MESSAGE'], most, since, unhurried()))).map(({ fields }) => [...fields])
  const of = (...numbers: readonly number[]) => numbers.map((n) => [['MESSAGE', `m${n}`]])
  t.same(await newest(3, 0), of(8, 7, 6))
  t.same(await newest(99, 0), of(8, 7, 6, 5, 4, 3, 2, 1, 0))
  // Each is a second after the one before.
  t.same(await newest(99, 1_700_000_007_000), of(8, 7))
})
