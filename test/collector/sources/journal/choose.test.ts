import t from 'tap'
import type { JournalFile } from '../../../../agent/collector/host/journal/scan.ts'
import { type Choice, chooseFiles as choose } from '../../../../agent/collector/sources/journal/choose.ts'

const MIB = 1024 * 1024
let ids = 0
const file = (bootId: string, tailRealtime: number, size = 16 * MIB, entries = 9, stem = 'system'): JournalFile => ({
  path: `/var/log/journal/m/${stem}@${tailRealtime}.journal`,
  directory: '/var/log/journal/m',
  namespace: '',
  stem,
  archived: true,
  dirty: false,
  size,
  header: {
    state: 'archived',
    fileId: String(ids++),
    bootId,
    seqnumId: 's',
    bytes: size,
    entries,
    headSeqnum: 1,
    headRealtime: tailRealtime - 1,
    tailRealtime,
  },
})
const NOW = Date.now()
const chooseFiles = (
  files: readonly JournalFile[],
  boot: string | undefined,
  bounds: Parameters<typeof choose>[2],
): Choice => choose(files, boot, bounds, NOW)
const times = (files: readonly JournalFile[]) => files.map(({ header }) => header.tailRealtime)
const all = [file('c', 50), file('a', 10), file('b', 30), file('c', 60), file('a', 20), file('c', 40)]
const limit = 1024 * MIB

t.test('boots', async (t) => {
  const one = chooseFiles(all, 'c', { boots: 1, limit })
  t.same(times(one.chosen), [60, 50, 40])
  t.same(one.leftOut, ['3 journal files, 48MiB, of earlier boots: journal.boots = 3 would take them'])
  t.same(times(chooseFiles(all, 'c', { boots: 2, limit }).chosen), [60, 50, 40, 30])
  t.same(chooseFiles(all, 'c', { boots: 3, limit }).leftOut, [])
  t.same(times(chooseFiles(all, 'a', { boots: 1, limit }).chosen), [20, 10], 'this boot, although others are newer')
  t.same(times(chooseFiles(all, 'a', { boots: 2, limit }).chosen), [60, 50, 40, 20, 10])
  t.same(
    times(chooseFiles(all, 'x', { boots: 1, limit }).chosen),
    [60, 50, 40],
    'the newest, where there is none of this',
  )
  t.same(times(chooseFiles(all, undefined, { boots: 1, limit }).chosen), [60, 50, 40])
})

t.test('limit', async (t) => {
  const choice = chooseFiles(all, 'c', { boots: 1, limit: 47 * MIB })
  t.same(times(choice.chosen), [60, 50])
  t.same(choice.leftOut[0], '1 journal file, 16MiB: journal.limit is 47MiB, 48MiB would take all')
  t.same(times(chooseFiles(all, 'c', { boots: 1, limit: 48 * MIB }).chosen), [60, 50, 40])
  t.same(times(chooseFiles(all, 'c', { boots: 1, limit: 1 }).chosen), [60], 'never nothing')
  const gap = chooseFiles([file('c', 3, 1), file('c', 2, 9), file('c', 1, 1)], 'c', { boots: 1, limit: 5 })
  t.same(times(gap.chosen), [3], 'no older file after one that was left out')
})

t.test('a file without entries is no evidence', async (t) => {
  const choice = chooseFiles([file('c', 9, 1, 0), file('c', 8)], 'c', { boots: 1, limit })
  t.same(times(choice.chosen), [8])
  t.same(choice.leftOut, [])
  t.same(times(choice.empty), [9], 'and yet it was there')
  t.same(chooseFiles([], 'c', { boots: 1, limit }), { chosen: [], leftOut: [], empty: [] })
  const unclosed = { ...file('c', 9, 1, 0), dirty: true }
  t.same(times(chooseFiles([unclosed, file('c', 8)], 'c', { boots: 1, limit }).chosen), [9, 8], 'it may say so wrongly')
})

t.test('a time that cannot be stands behind those that can', async (t) => {
  const never = 2 ** 64
  const files = [file('x', never), file('c', 5), file('y', (NOW + 2 * 86_400_000) * 1000), file('c', 6)]
  t.same(times(chooseFiles(files, undefined, { boots: 1, limit: 1 }).chosen), [6])
  t.same(times(chooseFiles(files, undefined, { boots: 9, limit }).chosen), [6, 5, never, (NOW + 2 * 86_400_000) * 1000])
})

t.test('what users log pushes out neither the host nor each other', async (t) => {
  const flood = [80, 81, 82, 83].map((at) => file('c', at, 16 * MIB, 9, 'user-1000'))
  const others = [file('c', 70, MIB, 9, 'user-1001'), file('c', 10), file('c', 20)]
  const within = (mib: number) => chooseFiles([...flood, ...others], 'c', { boots: 1, limit: mib * MIB })
  t.same(times(within(32).chosen), [20, 10], 'the host first, although its lines are older')
  t.same(times(within(50).chosen), [20, 10, 83, 70], 'users in turns')
  t.same(times(within(66).chosen), [20, 10, 83, 70, 82])
  t.same(times(within(1).chosen), [20])
  t.same(times(chooseFiles([...flood], 'c', { boots: 1, limit: 1 }).chosen), [83], 'never nothing')
})
