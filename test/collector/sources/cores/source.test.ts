import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { findCores } from '../../../../agent/collector/crashed-cores/find.ts'
import { kernelDumps } from '../../../../agent/collector/crashed-cores/kernel-dumps.ts'
import { openSystem } from '../../../../agent/collector/host/ffi.ts'
import { coresSource } from '../../../../agent/collector/sources/cores/source.ts'
import type { Inventory, SourceSession } from '../../../../agent/collector/sources/source.ts'
import {
  BOOT,
  COREDUMPS,
  compress,
  context,
  coredumpName,
  host,
  realCore,
  scratch,
  store,
  write,
} from '../../crashed-cores/cores.ts'
import { coredumpUnit, crash, from, writeJournal } from '../../host/journal/write-journal.ts'
import { lastWords, looked, PLENTY } from '../../looking.ts'
import { readAll, unhurried } from '../../reading.ts'
import { MACHINE } from '../journal/host.ts'

const system = openSystem()
const real = realCore(scratch(t))
const skip = typeof real === 'string' ? real : false
const { core, program } = typeof real === 'string' ? { core: Buffer.alloc(0), program: '' } : real
const noAttributes = (() => {
  try {
    store(scratch(t), 'x', Buffer.alloc(0), { signal: '6' })
    return false
  } catch {
    return 'the file system takes no user attributes, or there is no python3'
  }
})()

t.test("systemd-coredump's, as it lies there", { skip: skip || noAttributes }, async (t) => {
  const root = host(t)
  const packed = compress(core)
  const name = `${coredumpName('my\\x20app', 4711)}.zst`
  store(root, name, packed, { signal: '11', exe: '/usr/bin/my app', rlimit: '18446744073709551615' })
  write(root, `${COREDUMPS}/.#core.half.0.${BOOT}.1.1.zst`, 'unfinished')
  const { found, gaps } = await looked(coresSource(system), context(root))
  t.same(gaps, [])
  t.equal(found.length, 1)
  t.match(found[0], {
    id: `${COREDUMPS}/${name}`,
    source: 'cores',
    name: 'cores/my_app.4711.core.zst',
    class: 'memory',
    phase: 'stored',
    encoding: 'as-is',
    bytes: packed.length,
    ratio: 1,
    identity: {
      path: `${COREDUMPS}/${name}`,
      comm: 'my app',
      pid: 4711,
      uid: 998,
      bootId: BOOT,
      signal: 11,
      exe: '/usr/bin/my app',
    },
  })
  const { content, outcome } = await readAll(found[0])
  t.equal(content.compare(packed), 0)
  t.equal(outcome.truncated, undefined)
  t.match(outcome.identity, { pid: 4711, signal: 11, buildId: /^[0-9a-f]{40}$/ }, 'the name counts, the headers add')
})

t.test('a plain one opens in gdb as it was read', { skip: skip || hasNo('gdb') }, async (t) => {
  const root = host(t)
  store(root, coredumpName('crasher', 4712), core)
  const { found } = await looked(coresSource(system), context(root))
  t.match(found[0], { encoding: 'frames', name: 'cores/crasher.4712.core.zst' })
  t.ok((found[0]?.ratio ?? 1) < 1)
  const path = write(root, '/fetched', (await readAll(found[0])).content)
  const told = execFileSync('gdb', ['-nx', '-batch', '-ex', 'bt', program, path], { encoding: 'utf8', stdio: 'pipe' })
  t.match(told, /main \(\) at .*crasher\.c:3/)
})

t.test('without FFI, by name alone', { skip }, async (t) => {
  const root = host(t)
  store(root, `${coredumpName('app', 1)}.zst`, compress(core))
  const source = coresSource({ kind: 'missing', reason: 'as if this Node had no FFI' })
  const { found } = await looked(source, context(root))
  t.match(found[0]?.identity, { pid: 1, details: { unasked: 'as if this Node had no FFI' } })
  t.equal(found[0]?.identity.exe, undefined)
  t.match((await readAll(found[0])).outcome.identity, { signal: 6 }, 'its headers have the signal all the same')
})

t.test("the journal's entry gives unit and truncation", { skip }, async (t) => {
  const root = host(t)
  const logged = (pid: number, more: string[] = []) => [...crash(pid, more), ...from(coredumpUnit(pid), 997)]
  const forged = [
    ...crash(107, ['COREDUMP_EXE=/usr/sbin/nginx', 'COREDUMP_TRUNCATED=1']),
    ...from('user@1000.service', 1000),
  ]
  const entries = [logged(107), logged(108, ['COREDUMP_TRUNCATED=1', 'COREDUMP_SIGNAL=6']), forged]
  write(root, `/var/log/journal/${MACHINE}/system.journal`, writeJournal(entries))
  for (const pid of [107, 108]) store(root, `core.app.998.${BOOT}.${pid}.1700000000000000.zst`, compress(core))
  const { found } = await looked(coresSource(system), context(root, { age: 2 ** 50 }))
  const [whole, cut] = found.toSorted((a, b) => (a.identity.pid ?? 0) - (b.identity.pid ?? 0))
  t.match(whole?.identity, { pid: 107, unit: 'app@107.service', exe: '/usr/bin/app', signal: 11 })
  t.equal((await readAll(whole)).outcome.truncated, undefined)
  t.match(cut?.identity, { pid: 108, unit: 'app@108.service', signal: 6 })
  t.equal((await readAll(cut)).outcome.truncated, 'the host stored only a part of it')
})

t.test('/var/crash: kdump, apport, traps', async (t) => {
  const root = host(t)
  write(root, '/var/crash/127.0.0.1-2025-01-01-00:00:00/vmcore', 'KDUMP')
  write(root, '/var/crash/127.0.0.1-2025-01-01-00:00:00/vmcore-dmesg.txt', 'panic')
  write(root, '/var/crash/202501020000/dump-incomplete', 'ignored: not of kdump-tools')
  write(root, '/var/crash/202501020000/vmcore-incomplete', 'KDUMP')
  write(root, '/var/crash/_usr_bin_app.1000.crash', 'ProblemType: Crash')
  write(root, '/var/crash/.lock', '')
  execFileSync('mkfifo', [join(root, 'var/crash/core.fifo')])
  symlinkSync('/etc/shadow', join(root, 'var/crash/core.link'))
  const { found, gaps } = await looked(coresSource(system), context(root))
  const others = '2 that are no regular files, 1 in subdirectories (name those in cores.directories to take'
  t.match(gaps, [{ status: 'skipped', reason: `entries of /var/crash: ${others}` }])
  t.equal(gaps.length, 1)
  t.same(found.map(({ name, class: kind }) => [name, kind]).sort(), [
    ['cores/127.0.0.1-2025-01-01-00_00_00.vmcore-dmesg.txt.zst', 'memory'],
    ['cores/127.0.0.1-2025-01-01-00_00_00.vmcore.zst', 'memory'],
    ['cores/202501020000.vmcore-incomplete.zst', 'memory'],
    ['cores/_usr_bin_app.1000.crash.zst', 'memory'],
  ])
  const best = found.toSorted((a, b) => b.value - a.value)[0]
  t.match(best?.name, /dmesg/, 'why the kernel died')
  t.same((await readAll(best)).content.toString(), 'panic')
  const incomplete = await readAll(found.find(({ name }) => name.includes('incomplete')))
  t.equal(incomplete.outcome.truncated, 'the host stored only a part of it')
})

t.test('a core that calls itself a kernel log is none, and stays memory', async (t) => {
  const root = host(t)
  write(root, '/var/crash/app/core.dmesg-logger.4711', core)
  write(root, '/var/crash/app/dmesg.logger', core)
  write(root, '/var/crash/app/dmesg.202501020000', core)
  write(root, '/var/crash/dmesg.202501020000', core)
  const { found, gaps } = await looked(coresSource(system), context(root))
  t.same(found.map(({ name, class: kind }) => [name, kind]).sort(), [
    ['cores/app.dmesg.202501020000.zst', 'memory'],
    ['cores/dmesg.202501020000.zst', 'memory'],
  ])
  t.match(gaps, [{ status: 'skipped', reason: /^entries of \/var\/crash: 2 in subdirectories/ }])
})

t.test('what is there and is not taken is said once, and is not "nothing crashed"', async (t) => {
  const root = host(t)
  mkdirSync(join(root, COREDUMPS), { recursive: true })
  symlinkSync('/etc/shadow', join(root, COREDUMPS, 'core.link'))
  const session = coresSource(system).open(context(root))
  const { found, gaps } = await session.inventory(PLENTY, unhurried())
  t.same(found, [])
  t.match(gaps, [{ status: 'skipped', reason: `entries of ${COREDUMPS}: 1 that are no regular files` }])
  t.equal(gaps.length, 1)
  t.same((await lastWords(session)).gaps, [])
})

t.test('names that are no UTF-8', async (t) => {
  const root = host(t, '/var/crash/core.%e.%p')
  mkdirSync(join(root, 'var/crash'), { recursive: true })
  const place = (name: Buffer | string) => Buffer.concat([Buffer.from(join(root, 'var/crash/')), Buffer.from(name)])
  const cut = Buffer.from('обработчик').subarray(0, 15)
  const names = [
    Buffer.concat([Buffer.from('core.'), cut, Buffer.from('.77')]),
    Buffer.concat([Buffer.from('core.'), cut.subarray(0, 14), Buffer.from([0xd0]), Buffer.from('.77')]),
    'core.обработ\\xd1.77',
    Buffer.concat([Buffer.from('_usr_bin_'), cut, Buffer.from('.0.crash')]),
  ]
  for (const [index, name] of names.entries()) writeFileSync(place(name), `content ${index}`)
  const dump = Buffer.concat([place('20250102'), Buffer.from([0xff])])
  mkdirSync(dump)
  writeFileSync(Buffer.concat([dump, Buffer.from('/vmcore')]), 'content 4')
  const source = coresSource(system)
  const { found, gaps } = await looked(source, context(root))
  t.same(gaps, [])
  const taken = await Promise.all(found.map(async (one) => ({ ...one, ...(await readAll(one)) })))
  taken.sort((a, b) => a.content.compare(b.content))
  t.same(
    taken.map(({ content }) => content.toString()),
    [0, 1, 2, 3, 4].map((index) => `content ${index}`),
  )
  t.equal(new Set(taken.map(({ name }) => name)).size, 5, 'each has a name of its own in the bundle')
  t.equal(new Set(taken.map(({ id }) => id)).size, 5)
  t.ok(taken.every(({ name }) => /^cores\/[\w.-]+$/.test(name)))
  t.match(
    taken.map(({ identity }) => identity.path),
    [
      '/var/crash/core.обработ\\xd1.77',
      '/var/crash/core.обработ\\xd0.77',
      '/var/crash/core.обработ\\xd1.77',
      '/var/crash/_usr_bin_обработ\\xd1.0.crash',
      '/var/crash/20250102\\xff/vmcore',
    ],
  )
  t.match(taken[0]?.identity, { comm: 'обработ?', pid: 77 })
  const again = await looked(source, context(root))
  t.ok(
    again.found.every(({ value, name }) => value < 100 || name.includes('vmcore')),
    'and is known when it comes again',
  )
})

t.test('a directory that is swapped for a link after the inventory', async (t) => {
  const root = host(t)
  const name = coredumpName('app', 1)
  store(root, name, Buffer.from('core'))
  write(root, `/secrets/${name}`, 'secret')
  const { found } = await looked(coresSource(system), context(root))
  renameSync(join(root, COREDUMPS), join(root, 'elsewhere'))
  symlinkSync(join(root, 'secrets'), join(root, COREDUMPS))
  await t.rejects(readAll(found[0]), /^cannot open .*: it is not the file that was found there before/)
})

t.test("a kernel dump's directory that is a link", async (t) => {
  const root = host(t)
  write(root, '/secrets/vmcore', 'secret')
  mkdirSync(join(root, 'var/crash'), { recursive: true })
  symlinkSync(join(root, 'secrets'), join(root, 'var/crash/202501020000'))
  const place = { directory: '/var/crash', name: Buffer.from('202501020000'), isVolatile: false, now: Date.now() }
  await t.rejects(kernelDumps(root, place, unhurried()), /ENOTDIR/)
})

t.test("a plain core_pattern's directory: its own names only", { skip }, async (t) => {
  const root = host(t, '/data/dumps/core-%e-%s-%p')
  write(root, '/data/dumps/core-crasher-6-99', core)
  write(root, '/data/dumps/accounts.db', 'none of our business')
  const { found } = await looked(coresSource(system), context(root))
  t.match(found, [{ name: 'cores/crasher.99.core.zst', identity: { comm: 'crasher', signal: 6, pid: 99, uid: 0 } }])
  t.equal(found.length, 1)
  t.equal((await readAll(found[0])).content.compare(core), 0)
})

t.test('old ones and too many', async (t) => {
  const root = host(t)
  store(root, coredumpName('old', 1, { ago: 15 * 86_400_000, boot: 'f'.repeat(32) }), Buffer.alloc(10))
  store(root, coredumpName('new', 2), Buffer.alloc(100))
  store(root, coredumpName('newer', 3, { ago: 1000 }), Buffer.alloc(100))
  const session = coresSource(system).open(context(root, { limit: 150 }))
  const { found, gaps } = await session.inventory(PLENTY, unhurried())
  t.same(
    found.map(({ name }) => name),
    ['cores/newer.3.core.zst'],
  )
  t.match(gaps, [
    { status: 'skipped', class: 'memory', reason: '1 core, 10B, older than cores.age = 14d' },
    { status: 'skipped', reason: '1 core, 100B, beyond cores.limit = 150B' },
  ])
  t.same(await lastWords(session), { found: [], gaps: [] }, 'said once')
})

t.test('nothing crashed', async (t) => {
  const root = host(t)
  mkdirSync(join(root, COREDUMPS), { recursive: true })
  const reason = `no core was found: looked in ${COREDUMPS}, /var/crash (which does not exist)`
  t.same(await looked(coresSource(system), context(root)), {
    found: [],
    gaps: [{ source: 'cores', class: 'memory', status: 'absent', reason }],
  })
  write(root, '/proc/sys/kernel/core_pattern', 'core\n')
  const scattered = await looked(coresSource(system), context(root))
  t.match(scattered.gaps, [
    { reason: `${reason}; cores go into the process's own directory, where nobody looks (core_pattern "core")` },
  ])
  write(root, '/proc/sys/kernel/core_pattern', '|/usr/bin/handler\n')
  t.match((await looked(coresSource(system), context(root))).gaps, [{ reason: /to a handler of its own/ }])
})

t.test('a directory that cannot be read', async (t) => {
  const root = host(t)
  mkdirSync(join(root, 'var/lib/systemd'), { recursive: true })
  symlinkSync('coredump', join(root, COREDUMPS))
  const { gaps } = await looked(coresSource(system), context(root))
  t.match(gaps, [{ status: 'failed', reason: /^cannot look for cores in \/var\/lib\/systemd\/coredump: ELOOP/ }])
  t.equal(gaps.length, 1, 'not "nothing crashed"')
})

t.test('a core that is gone when it is wanted', async (t) => {
  const root = host(t)
  const path = store(root, coredumpName('app', 1), Buffer.alloc(10))
  const { found } = await looked(coresSource(system), context(root))
  rmSync(path)
  await t.rejects(readAll(found[0]), /^cannot open .*ENOENT/)
})

t.test('unread ones first in the next capture', async (t) => {
  const root = host(t)
  store(root, coredumpName('one', 1, { ago: 1000 }), Buffer.from('one'))
  store(root, coredumpName('two', 2, { ago: 2000 }), Buffer.from('two'))
  const source = coresSource(system)
  const names = (inventory: Inventory) => inventory.found.map(({ name }) => name)
  const first = await looked(source, context(root))
  t.same(names(first), ['cores/one.1.core.zst', 'cores/two.2.core.zst'])
  await readAll(first.found[0])
  t.same(names(await looked(source, context(root))), ['cores/two.2.core.zst', 'cores/one.1.core.zst'])
})

/** Makes the host's /proc show a process that is dumping: this one's own status with the flag set. */
function dumping(root: string, pid: number): void {
  const status = readFileSync('/proc/self/status', 'utf8').replace(/^CoreDumping:\t0$/m, 'CoreDumping:\t1')
  write(root, `/proc/${pid}/status`, status.replace(/^Name:.*$/m, 'Name:\tapp'))
  write(root, `/proc/${pid}/cgroup`, '0::/system.slice/app.service\n')
}
const finish = (root: string, pid: number) => rmSync(join(root, `proc/${pid}`), { recursive: true })

t.test('a core that systemd-coredump is still writing', { skip }, async (t) => {
  const root = host(t)
  dumping(root, 4711)
  store(root, `${coredumpName('app', 4711, { boot: 'f'.repeat(32) })}.zst`, compress(core))
  const session = coresSource(system).open(context(root))
  const { found } = await session.inventory(PLENTY, unhurried())
  const waiting = found.find(({ id }) => id === 'pid 4711')
  t.match(waiting, {
    name: 'cores/app.4711-2.core.zst',
    encoding: 'as-is',
    identity: { pid: 4711, comm: 'app', unit: 'app.service' },
  })
  t.ok((waiting?.bytes ?? 0) > 1024 ** 2, 'as much as it has in memory')
  const reading = readAll(waiting)
  await sleep(300)
  const name = `${coredumpName('app', 4711)}.zst`
  store(root, name, compress(core))
  const { content, outcome } = await reading
  t.equal(content.compare(compress(core)), 0)
  t.match(outcome.identity, { path: `${COREDUMPS}/${name}`, signal: 6 })
  t.same(await lastWords(session), { found: [], gaps: [] }, 'not once more')
})

t.test('what was found is given, with a gap for the rest, on a host that is slow to answer', async (t) => {
  const root = host(t)
  store(root, `${coredumpName('app', 4711)}.zst`, compress(core))
  const hung = [11, 12, 13, 14].map((pid) => join(root, `proc/${pid}/status`))
  for (const path of hung) mkdirSync(join(path, '..'), { recursive: true })
  execFileSync('mkfifo', hung)
  // All threads by which files are read hang in these, and nothing is answered any more.
  const { found, gaps } = await coresSource(system).open(context(root)).inventory(1_500, unhurried())
  for (const path of hung) closeSync(openSync(path, constants.O_RDWR | constants.O_NONBLOCK))
  t.match(found, [{ name: 'cores/app.4711.core.zst' }])
  t.equal(found.length, 1)
  t.match(gaps, [
    { status: 'failed', reason: 'cannot tell of all processes whether they are dumping core: there was no more time' },
  ])
})

t.test('directories that do not answer are told of, and hold nobody up', async (t) => {
  const root = host(t)
  const hung = ['a', 'b', 'c', 'd'].map((name) => join(root, name))
  execFileSync('mkfifo', hung)
  const opening = hung.map((path) => open(path))
  const time = { all: 500, others: 500 }
  const finds = await findCores(root, [COREDUMPS, '/var/crash'], { kind: 'handler', text: '|/x' }, unhurried(), time)
  for (const path of hung) closeSync(openSync(path, constants.O_RDWR | constants.O_NONBLOCK))
  for (const file of opening) await (await file).close()
  t.strictSame(finds.looked, [])
  t.match(finds.problems, [
    `cannot look for cores in ${COREDUMPS}: there was no more time`,
    'cannot look for cores in /var/crash: there was no more time',
  ])
})

t.test('one that is never finished costs its own time', async (t) => {
  const root = host(t)
  dumping(root, 4711)
  const source = coresSource(system)
  const { found, gaps } = await looked(source, context(root))
  t.same(gaps, [], 'not "nothing crashed"')
  await t.rejects(
    readAll(found[0], 2 ** 40, AbortSignal.timeout(300)),
    /^cannot wait for the core of app\[4711\], which is still being written: /,
  )
  finish(root, 4711)
  await t.rejects(readAll(found[0]), /^cannot take the core of app\[4711\]: it left none where cores are looked for/)
})

t.test('one that turns out otherwise comes up by itself', { skip }, async (t) => {
  const root = host(t)
  dumping(root, 4711)
  const session = coresSource(system).open(context(root))
  const { found } = await session.inventory(PLENTY, unhurried())
  store(root, coredumpName('app', 4711), core)
  await t.rejects(readAll(found[0]), /^cannot take .*: it was expected as "\.zst"; it comes up by itself/)
  const last = await lastWords(session)
  t.match(last.found, [{ name: 'cores/app.4711-2.core.zst', encoding: 'frames' }])
  t.equal((await readAll(last.found[0])).content.compare(core), 0)
})

t.test('one that the kernel itself is still writing', { skip }, async (t) => {
  const root = host(t, '/dumps/core.%p')
  dumping(root, 99)
  const path = write(root, '/dumps/core.99', core.subarray(0, 5000))
  const { found } = await looked(coresSource(system), context(root))
  t.equal(found.length, 1)
  const reading = readAll(found[0])
  await sleep(300)
  appendFileSync(path, core.subarray(5000))
  finish(root, 99)
  const { content, outcome } = await reading
  t.equal(content.compare(core), 0)
  t.equal(outcome.truncated, undefined)
})

t.test('what crashes during the capture', async (t) => {
  const root = host(t)
  const session = coresSource(system).open(context(root))
  await session.inventory(PLENTY, unhurried())
  store(root, coredumpName('late', 7), Buffer.from('core'))
  dumping(root, 8)
  const last = await lastWords(session)
  t.match(last, {
    found: [{ name: 'cores/late.7.core.zst' }],
    gaps: [{ status: 'failed', reason: 'app[8] was still dumping core when the capture ended' }],
  })
})

/** A session that is watched after its inventory: what comes up, one look after the other, and a way to stop it. */
async function watched(session: SourceSession) {
  await session.inventory(PLENTY, unhurried())
  const stop = new AbortController()
  const looks = session.comesUp?.(PLENTY, stop.signal, unhurried())[Symbol.asyncIterator]()
  const next = async () => (await looks?.next())?.value as Inventory
  const last = () => {
    stop.abort()
    return next()
  }
  return { next, last }
}
const namesOf = ({ found }: Inventory) => found.map(({ name }) => name).sort()

t.test('a core that is finished while the capture runs comes up at once, and once', async (t) => {
  const root = host(t)
  store(root, coredumpName('before', 1), Buffer.from('core'))
  const { next, last } = await watched(coresSource(system).open(context(root)))
  write(root, `${COREDUMPS}/.#core.half.0.${BOOT}.1.1.zst`, 'unfinished')
  symlinkSync('/etc/shadow', join(root, COREDUMPS, 'core.link'))
  store(root, coredumpName('one', 7), Buffer.from('one'))
  const first = await next()
  t.same(namesOf(first), ['cores/one.7.core.zst'])
  t.equal((await readAll(first.found[0])).content.toString(), 'one')
  // This directory was not there before.
  write(root, '/var/crash/_usr_bin_two.0.crash', 'two')
  t.same(namesOf(await next()), ['cores/_usr_bin_two.0.crash.zst'])
  dumping(root, 8)
  const end = await last()
  t.same(namesOf(end), [])
  t.match(end.gaps, [
    { reason: `entries of ${COREDUMPS}: 1 that are no regular files` },
    { reason: 'app[8] was still dumping core when the capture ended' },
  ])
  t.equal(end.gaps.length, 2)
  t.equal(await next(), undefined, 'it ends')
})

t.test('what a core still lacks is waited for, and its directory looked at again', async (t) => {
  const root = host(t, '/dumps/core.%p')
  mkdirSync(join(root, 'dumps'))
  const { next } = await watched(coresSource(system).open(context(root)))
  dumping(root, 99)
  const path = write(root, '/dumps/core.99', 'half')
  const coming = next()
  await sleep(2_500)
  appendFileSync(path, ' and half')
  finish(root, 99)
  const { found } = await coming
  t.equal((await readAll(found[0])).content.toString(), 'half and half')
})

t.test('one that an item of the inventory waits for does not come up beside it', async (t) => {
  const root = host(t)
  dumping(root, 4711)
  const session = coresSource(system).open(context(root))
  const { next, last } = await watched(session)
  const coming = next()
  store(root, `${coredumpName('app', 4711)}.zst`, Buffer.from('awaited'))
  store(root, coredumpName('other', 7), Buffer.from('other'))
  t.same(namesOf(await coming), ['cores/other.7.core.zst'])
  t.same(namesOf(await last()), ['cores/app.4711-2.core.zst'], 'nobody has taken it')
})

t.test('one that turned out otherwise than the item that waits for it comes up', { skip }, async (t) => {
  const root = host(t)
  dumping(root, 4711)
  const session = coresSource(system).open(context(root))
  const { found } = await session.inventory(PLENTY, unhurried())
  const reading = readAll(found[0])
  const looks = session.comesUp?.(PLENTY, new AbortController().signal, unhurried())[Symbol.asyncIterator]()
  const coming = looks?.next()
  store(root, coredumpName('app', 4711), core)
  await t.rejects(reading, /it comes up by itself/)
  // Nothing else happens in the directory, unless something crashes.
  store(root, coredumpName('other', 7), Buffer.from('other'))
  t.same(namesOf((await coming)?.value as Inventory), ['cores/app.4711-2.core.zst', 'cores/other.7.core.zst'])
})

t.test('all that comes up has one limit, and what is left out is told once, at the end', async (t) => {
  const root = host(t)
  const { next, last } = await watched(coresSource(system).open(context(root, { limit: 9_000 })))
  const lay = (pid: number) => store(root, coredumpName('loop', pid, { ago: 0 }), Buffer.alloc(4096, 1))
  for (const pid of [1, 2]) {
    lay(pid)
    const { found, gaps } = await next()
    t.same([namesOf({ found, gaps }), gaps], [[`cores/loop.${pid}.core.zst`], []])
  }
  lay(3)
  const coming = next()
  await sleep(2_000)
  lay(4)
  write(root, '/var/crash/core.small', 'small')
  t.same(namesOf(await coming), ['cores/core.small.zst'], 'what fits')
  const { found, gaps } = await last()
  t.same(found, [])
  t.match(gaps, [{ status: 'skipped', reason: /^2 cores, 8KiB, beyond cores\.limit/ }])
  t.equal(gaps.length, 1)
})

t.test('where nothing changes nobody looks, and who asks no more ends it', async (t) => {
  const root = host(t)
  const session = coresSource(system).open(context(root))
  await session.inventory(PLENTY, unhurried())
  const cut = new AbortController()
  const looks = session.comesUp?.(PLENTY, new AbortController().signal, cut.signal)[Symbol.asyncIterator]()
  const coming = looks?.next()
  const pattern = join(root, 'proc/sys/kernel/core_pattern')
  rmSync(pattern)
  execFileSync('mkfifo', [pattern])
  await sleep(2_500)
  // Whoever looks reads this first.
  t.throws(() => openSync(pattern, constants.O_WRONLY | constants.O_NONBLOCK), { code: 'ENXIO' })
  cut.abort(new Error('enough'))
  await t.rejects(coming as Promise<unknown>, { message: 'enough' })
})

t.test('a look that fails is tried again', async (t) => {
  const root = host(t)
  const session = coresSource(system).open(context(root))
  await session.inventory(PLENTY, unhurried())
  const looks = session.comesUp?.(500, new AbortController().signal, unhurried())[Symbol.asyncIterator]()
  const coming = looks?.next()
  const pattern = join(root, 'proc/sys/kernel/core_pattern')
  rmSync(pattern)
  execFileSync('mkfifo', [pattern])
  store(root, coredumpName('one', 7), Buffer.from('one'))
  await sleep(2_500)
  const hung = openSync(pattern, constants.O_RDWR | constants.O_NONBLOCK)
  rmSync(pattern)
  closeSync(hung)
  t.same(namesOf((await coming)?.value as Inventory), ['cores/one.7.core.zst'])
})

t.test('a dump that goes where nobody looks is said', async (t) => {
  const root = host(t, 'core')
  dumping(root, 8)
  const { found, gaps } = await looked(coresSource(system), context(root))
  t.same(found, [])
  t.match(gaps, [
    { status: 'failed', reason: /^app\[8\] is dumping core into the process's own directory, where nobody/ },
  ])
})

t.test("this machine's own /proc", async (t) => {
  const root = scratch(t)
  symlinkSync('/proc', join(root, 'proc'))
  const { found } = await looked(coresSource(system), context(root, { directories: ['/none'] }))
  t.same(
    found.filter(({ identity }) => identity.pid === process.pid),
    [],
    'this process is not dumping',
  )
})

function hasNo(name: string): string | false {
  const there = (process.env.PATH ?? '').split(':').some((directory) => {
    try {
      return readdirSync(directory).includes(name)
    } catch {
      return false
    }
  })
  return there ? false : `needs ${name}`
}
