import t from 'tap'
import { chooseCores, MOST_CORES } from '../../../../agent/collector/sources/cores/choose.ts'
import type { CoreFile } from '../../../../agent/collector/sources/cores/core-file.ts'
import { BOOT } from './cores.ts'

const NOW = 1_700_000_000_000
const HOUR = 3_600_000
const core = (path: string, fields: Partial<CoreFile> = {}): CoreFile => ({
  path,
  file: { dev: 1, ino: 1 },
  kind: 'systemd',
  label: path,
  suffix: '.zst',
  bytes: 1024 ** 2,
  allocated: 1024 ** 2,
  at: NOW - HOUR,
  identity: { path, uid: 998, bootId: BOOT },
  ...fields,
})
const circumstances = { now: NOW, boot: { id: BOOT, began: NOW - 24 * HOUR }, read: new Set<string>() }
const settings = { limit: 1024 ** 3, age: 14 * 24 * HOUR }
const paths = (choice: ReturnType<typeof chooseCores>) => choice.chosen.map((chosen) => chosen.core.path)

t.test('order', async (t) => {
  const cores = [
    core('older', { at: NOW - 5 * HOUR }),
    core('earlier boot', { at: NOW - HOUR, identity: { bootId: 'another' } }),
    core('newest', { at: NOW - 1000 }),
    core('read', { at: NOW - 10 }),
    core('plain, before this boot', { kind: 'plain', at: NOW - 25 * HOUR, identity: {} }),
    core('plain', { kind: 'plain', at: NOW - 6 * HOUR, identity: {} }),
  ]
  const choice = chooseCores(cores, settings, { ...circumstances, read: new Set(['read']) })
  t.same(paths(choice), ['newest', 'older', 'plain', 'earlier boot', 'plain, before this boot', 'read'])
  const values = choice.chosen.map(({ value }) => value)
  t.same(
    values,
    values.toSorted((a, b) => b - a),
  )
  t.same(choice.leftOut, [])
})

t.test('a service before a user, the reason of a panic before all', async (t) => {
  const cores = [
    core('user', { at: NOW - 1, identity: { bootId: BOOT, uid: 1000 } }),
    core('service', { at: NOW - 2 }),
    core('dynamic user', { at: NOW - 3, identity: { bootId: BOOT, uid: 62000 } }),
    core('dmesg', { kind: 'dmesg', at: NOW - HOUR, identity: {} }),
  ]
  const { chosen } = chooseCores(cores, settings, circumstances)
  const byValue = chosen.toSorted((a, b) => b.value - a.value).map((chosen) => chosen.core.path)
  t.same(byValue, ['dmesg', 'service', 'dynamic user', 'user'])
})

t.test('age and limit', async (t) => {
  const cores = [
    core('new', { bytes: 600 * 1024 ** 2 }),
    core('big', { bytes: 600 * 1024 ** 2, at: NOW - 2 * HOUR }),
    core('small', { at: NOW - 3 * HOUR }),
    core('old', { at: NOW - 15 * 24 * HOUR }),
  ]
  const choice = chooseCores(cores, settings, circumstances)
  t.same(paths(choice), ['new', 'small'], 'what is too big keeps nothing smaller out')
  t.same(choice.leftOut, ['1 core, 1MiB, older than cores.age = 14d', '1 core, 600MiB, beyond cores.limit = 1GiB'])
  t.same(chooseCores([], settings, circumstances), { chosen: [], leftOut: [] })
})

t.test('one crash, over and over', async (t) => {
  const cores = Array.from({ length: MOST_CORES + 3 }, (_, index) => core(`${index}`, { bytes: 1024, at: NOW - index }))
  const choice = chooseCores(cores.toReversed(), settings, circumstances)
  t.same(
    paths(choice),
    cores.slice(0, MOST_CORES).map(({ path }) => path),
    'the newest',
  )
  t.same(choice.leftOut, ['3 cores, 3KiB, beyond the 500 that one capture takes'])
})
