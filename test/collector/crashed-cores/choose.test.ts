import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { chooseCores, MOST_CLAIMED, MOST_CORES } from '../../../agent/collector/crashed-cores/choose.ts'
import type { CoreFile } from '../../../agent/collector/crashed-cores/core-file.ts'
import { thisBoot } from '../../../agent/collector/host/this-boot.ts'
import { unhurried } from '../reading.ts'
import { BOOT, write } from './cores.ts'

const NOW = 1_700_000_000_000
const HOUR = 3_600_000
const core = (path: string, fields: Partial<CoreFile> = {}): CoreFile => ({
  id: path,
  path,
  raw: Buffer.from(path),
  directory: '/cores',
  file: { dev: 1, ino: 1 },
  kind: 'systemd',
  label: path,
  suffix: '.zst',
  bytes: 1024 ** 2,
  allocated: 1024 ** 2,
  at: NOW - HOUR,
  changed: NOW - HOUR,
  owner: 998,
  claimed: false,
  isVolatile: false,
  identity: { path, uid: 998, bootId: BOOT },
  ...fields,
})
const circumstances = {
  now: NOW,
  boot: { id: BOOT, began: NOW - 24 * HOUR, earliest: NOW - 24 * HOUR },
  read: new Set<string>(),
}
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
    core('user', { at: NOW - 1, owner: 1000 }),
    core('service', { at: NOW - 2 }),
    core('dynamic user', { at: NOW - 3, owner: 62_000 }),
    core('dmesg', { kind: 'dmesg', at: NOW - HOUR, identity: {} }),
  ]
  const { chosen } = chooseCores(cores, settings, circumstances)
  const byValue = chosen.toSorted((a, b) => b.value - a.value).map((chosen) => chosen.core.path)
  t.same(byValue, ['dmesg', 'service', 'dynamic user', 'user'])
})

t.test('whatever the clock said, a core of this boot is no older than the boot', async (t) => {
  const DAY = 24 * HOUR
  const plain = { kind: 'plain', identity: {} } as const
  const cores = [
    core('this boot, 1970', { at: 1000 }),
    core('this boot', { at: NOW - HOUR }),
    core('this boot, of a month ago', { at: NOW - 30 * DAY }),
    core('in memory, 1970', { ...plain, at: 1000, isVolatile: true }),
    core('no clock', { ...plain, at: 5 * DAY }),
    core('earlier boot, 1970', { at: 1000, identity: { bootId: 'another' } }),
    core('earlier boot', { at: NOW - 20 * DAY, identity: { bootId: 'another' } }),
    core('older', { ...plain, at: NOW - 20 * DAY }),
  ]
  const choice = chooseCores(cores, settings, circumstances)
  t.same(paths(choice), [
    ...['this boot', 'this boot, of a month ago', 'this boot, 1970', 'in memory, 1970'],
    ...['no clock', 'earlier boot, 1970'],
  ])
  t.same(choice.leftOut, ['2 cores, 2MiB, older than cores.age = 14d'])

  const long = { ...circumstances, boot: { id: BOOT, began: NOW - 60 * DAY, earliest: NOW - 60 * DAY } }
  const left = paths(chooseCores(cores, settings, long))
  t.notOk(left.includes('this boot, of a month ago'), 'a boot may be older than cores.age, and then a core of it')
  t.ok(left.includes('this boot, 1970'))

  const set = { ...circumstances, boot: { id: BOOT, began: NOW - HOUR / 2, earliest: NOW - 21 * DAY } }
  const before = chooseCores(cores, settings, set)
  t.ok(paths(before).includes('older'), 'the clock was set since: it may be of this boot')
  t.same(before.leftOut, ['1 core, 1MiB, older than cores.age = 14d'])
})

t.test('the earliest time of a boot whose clock was set', async (t) => {
  const root = mkdtempSync('/dev/shm/lastgasp-')
  t.teardown(() => rmSync(root, { recursive: true }))
  const btime = (seconds: number) => write(root, '/proc/stat', `btime ${seconds}\n`)
  mkdirSync(join(root, 'run'))
  const made = statSync(join(root, 'run')).birthtimeMs
  btime(Math.ceil(made / 1000) + 1000)
  t.match(await thisBoot(root, unhurried()), { earliest: made }, 'the clock was set forward since')
  btime(Math.floor(made / 1000) - 1000)
  const boot = await thisBoot(root, unhurried())
  t.equal(boot.earliest, boot.began)
})

t.test('age and limit', async (t) => {
  const cores = [
    core('new', { bytes: 600 * 1024 ** 2, allocated: 600 * 1024 ** 2 }),
    core('big', { bytes: 600 * 1024 ** 2, allocated: 600 * 1024 ** 2, at: NOW - 2 * HOUR }),
    core('small', { at: NOW - 3 * HOUR }),
    core('old', { at: NOW - 15 * 24 * HOUR, identity: { bootId: 'another' } }),
  ]
  const choice = chooseCores(cores, settings, circumstances)
  t.same(paths(choice), ['new', 'small'], 'what is too big keeps nothing smaller out')
  t.same(choice.leftOut, ['1 core, 1MiB, older than cores.age = 14d', '1 core, 600MiB, beyond cores.limit = 1GiB'])
  t.same(chooseCores([], settings, circumstances), { chosen: [], leftOut: [], surplus: [] })
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

t.test('what others may have written is charged, bounded, and told', async (t) => {
  const GIB = 1024 ** 3
  const crash = '/var/crash'
  const claimed = (path: string, fields: Partial<CoreFile> = {}) =>
    core(path, {
      kind: 'plain',
      directory: crash,
      owner: 1000,
      claimed: true,
      at: NOW,
      identity: { uid: 1000 },
      ...fields,
    })
  const root = core('root', { owner: 0, bytes: 900 * 1024 ** 2, allocated: 900 * 1024 ** 2 })

  const sparse = chooseCores([claimed('sparse', { bytes: 16 * GIB, allocated: 4096 }), root], settings, circumstances)
  t.same(paths(sparse), ['root', 'sparse'], 'a hole takes no room')
  t.same(sparse.surplus, [])

  const full = chooseCores([claimed('full', { bytes: GIB, allocated: GIB }), root], settings, circumstances)
  t.same(paths(full), ['root'])
  t.same(full.leftOut, [], 'no setting is to blame')
  t.same(full.surplus, [{ directory: crash, owner: 1000, files: 1, bytes: GIB }])

  const tiny = Array.from({ length: 500 }, (_, n) => claimed(`tiny ${n}`, { bytes: 1, allocated: 1 }))
  const others = [claimed('shop', { owner: 33, bytes: 1, allocated: 1 }), root]
  const many = chooseCores([...tiny, ...others], settings, circumstances)
  t.equal(many.chosen[0]?.core.path, 'root')
  t.equal(many.chosen.length, 1 + MOST_CLAIMED)
  t.ok(paths(many).includes('shop'), 'each owner has a share')
  t.same(many.surplus, [{ directory: crash, owner: 1000, files: 501 - MOST_CLAIMED, bytes: 501 - MOST_CLAIMED }])
  t.ok(
    many.chosen.every(({ core: { owner }, value }) => owner !== 1000 || value === 1),
    'and comes after the great ones',
  )
})

t.test("a user's crash loop takes nothing from the system's crashes", async (t) => {
  const loop = Array.from({ length: MOST_CORES + 100 }, (_, n) =>
    core(`loop ${n}`, { owner: 1000, bytes: 10, allocated: 10, at: NOW }),
  )
  const system = [core('root', { owner: 0 }), core('shop', { owner: 33 })]
  const choice = chooseCores([...loop, ...system], settings, circumstances)
  t.same(paths(choice).slice(0, 2), ['root', 'shop'])
  t.equal(choice.chosen.length, MOST_CORES)
  t.match(choice.leftOut, [/^102 cores, .* beyond the 500 that one capture takes$/])
  t.same(choice.surplus, [])
})

t.test('what was chosen before has its part of the limits', async (t) => {
  const many = (count: number, fields: Partial<CoreFile>) =>
    Array.from({ length: count }, (_, n) => core(`${fields.owner} ${n}`, { bytes: 10, allocated: 10, ...fields }))
  const after = (before: readonly CoreFile[], cores: readonly CoreFile[]) =>
    chooseCores(cores, settings, { ...circumstances, before })
  const few = after(many(MOST_CORES - 1, { owner: 1 }), many(3, { owner: 1000 }))
  t.equal(few.chosen.length, 1)
  t.match(few.leftOut, [/^2 cores, .* beyond the 500 that one capture takes$/])
  const claims = after(many(MOST_CLAIMED - 2, { owner: 1, claimed: true }), many(5, { owner: 2, claimed: true }))
  t.equal(claims.chosen.length, 2)
  t.equal(after(many(MOST_CLAIMED, { owner: 1, claimed: true }), many(5, { owner: 2 })).chosen.length, 5)
  const bytes = after([core('big', { bytes: 1024 ** 3 - 15, allocated: 1024 ** 3 - 15 })], many(3, { owner: 2 }))
  t.equal(bytes.chosen.length, 1)
})
