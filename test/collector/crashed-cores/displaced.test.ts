import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, linkSync, mkdirSync, statSync, truncateSync, unlinkSync, utimesSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { findCores } from '../../../agent/collector/crashed-cores/find.ts'
import { openSystem } from '../../../agent/collector/host/ffi.ts'
import { coresSource } from '../../../agent/collector/sources/cores/source.ts'
import { defaultSettings } from '../../../agent/settings/schema.ts'
import { lastWords, looked, PLENTY } from '../looking.ts'
import { readAll, unhurried } from '../reading.ts'
import { BOOT, COREDUMPS, context, coredumpName, host, store, write } from './cores.ts'

const skip = process.getuid?.() === 0 ? false : 'needs root: files of other users'
const system = openSystem()
const CRASH = '/var/crash'
const MALLORY = 4242
/** Defaults: 16 GiB, 14 days. */
const LIMITS = { ...defaultSettings().cores }

/** A host where anybody may put something into /var/crash, as Ubuntu's; and a core of root's. */
function open(t: Parameters<typeof host>[0], mode = 0o3777): { root: string; core: string } {
  const root = host(t)
  mkdirSync(join(root, CRASH), { recursive: true })
  chmodSync(join(root, CRASH), mode)
  write(root, '/proc/sys/fs/protected_hardlinks', '1\n')
  const core = coredumpName('payd', 7, { uid: 0, ago: 3_600_000 })
  store(root, core, Buffer.alloc(5000, 1))
  return { root, core: `${COREDUMPS}/${core}` }
}

function plant(root: string, path: string, content: string | Buffer = 'x', uid = MALLORY): string {
  const file = write(root, path, content)
  chownSync(file, uid, uid)
  return file
}

async function look(root: string) {
  const { found, gaps } = await looked(coresSource(system), context(root, LIMITS))
  const of = (part: string) => found.find(({ id }) => id.includes(part))
  return { found, gaps, of, reasons: gaps.map(({ reason }) => reason).join('\n') }
}

t.test('a sparse file of 16 GiB, dated tomorrow', { skip }, async (t) => {
  const { root, core } = open(t)
  const big = plant(root, `${CRASH}/core.big`)
  truncateSync(big, 16 * 1024 ** 3)
  const tomorrow = Date.now() / 1000 + 86_400
  utimesSync(big, tomorrow, tomorrow)
  const { found, of, gaps } = await look(root)
  t.equal(found[0]?.id, core)
  t.ok((of('core.big')?.identity.at ?? Infinity) <= Date.now())
  t.same(gaps, [], 'nothing is left out: a hole takes no room')
})

t.test('many files', { skip }, async (t) => {
  for (const content of ['x', '']) {
    const { root, core } = open(t)
    for (let n = 0; n < 2000; n++) plant(root, `${CRASH}/core.${n}`, content)
    const { found, gaps } = await look(root)
    t.equal(found[0]?.id, core)
    t.ok((found[0]?.value ?? 0) > 400)
    t.match(gaps, [
      {
        status: 'skipped',
        because: 'host',
        identity: { path: CRASH, uid: MALLORY },
        reason: /^1968 files of user 4242 in \/var\/crash, .*: beyond that user's share/,
      },
    ])
    t.equal(gaps.length, 1)
    t.ok(found.slice(1).every(({ value }) => value === 1))
  }
})

t.test('who goes on laying files there while the capture runs is told of once', { skip }, async (t) => {
  const { root } = open(t)
  const session = coresSource(system).open(context(root, LIMITS))
  for (let n = 0; n < 100; n++) plant(root, `${CRASH}/core.${n}`)
  t.equal((await session.inventory(PLENTY, unhurried())).gaps.length, 1)
  for (let n = 100; n < 200; n++) plant(root, `${CRASH}/core.${n}`)
  t.same((await lastWords(session)).gaps, [])
})

t.test("root's core among them, and a service's", { skip }, async (t) => {
  const { root } = open(t)
  for (let n = 0; n < 2000; n++) plant(root, `${CRASH}/core.${n}`)
  plant(root, `${CRASH}/core.of.root`, 'root', 0)
  plant(root, `${CRASH}/core.of.shop`, 'shop', 33)
  const { of } = await look(root)
  t.equal(of('core.of.root')?.identity.claimed, undefined, "root's own word")
  t.match(of('core.of.shop')?.identity, { uid: 33, claimed: true })
})

t.test('files of very many user ids', { skip }, async (t) => {
  const { root, core } = open(t)
  for (let n = 0; n < 600; n++) plant(root, `${CRASH}/core.${n}`, 'x', 100_000 + n)
  plant(root, `${CRASH}/core.of.shop`, 'shop', 33)
  const { found, of, gaps } = await look(root)
  t.equal(found[0]?.id, core)
  t.ok(of('core.of.shop'), "the system's users are not forgotten")
  t.equal(gaps.length, 9, 'eight are named')
  t.match(gaps.at(-1)?.reason, /^\d+ files of \d+ other users, /)
})

t.test("a crash of another's program is not to be invented", { skip }, async (t) => {
  const { root } = open(t)
  const name = `${coredumpName('nginx', 1, { uid: 0, ago: 0 })}`
  const file = plant(root, `${CRASH}/${name}`)
  for (const [key, value] of [
    ['exe', '--eval-command=shell id'],
    ['signal', '11'],
    ['comm', 'nginx'],
  ])
    execFileSync('setfattr', ['-n', `user.coredump.${key}`, '-v', value ?? '', file])
  const { of } = await look(root)
  t.strictSame(of(name)?.identity, {
    path: `${CRASH}/${name}`,
    at: Math.round(statSync(file).mtimeMs),
    claimed: true,
    uid: MALLORY,
  })
})

t.test("a panic of the kernel's neither", { skip }, async (t) => {
  const { root } = open(t)
  chownSync(dirname(plant(root, `${CRASH}/202501010000/dmesg.202501010000`, 'panic')), MALLORY, MALLORY)
  plant(root, `${CRASH}/202502020000/dmesg.202502020000`, 'panic', 0)
  const { found, reasons } = await look(root)
  t.equal(found.filter(({ name }) => name.includes('dmesg')).length, 1, "only root's")
  t.match(reasons, /^entries of \/var\/crash: 1 subdirectory that others than root may fill$/m)
})

t.test('attributes that systemd-coredump would not have written', { skip }, async (t) => {
  const { root } = open(t)
  const strange = ['--command=x', '/a/../b', '/a\nb', '/\u202eexe', 'app']
  for (const [index, exe] of strange.entries())
    store(root, coredumpName('app', 100 + index), Buffer.from('x'), {
      exe,
      signal: ['0', '65', '-1', '1e1', '99999999999999999999'][index] ?? '',
    })
  store(root, coredumpName('app', 99), Buffer.from('x'), { exe: '/usr/bin/my app', signal: '11' })
  const { found } = await look(root)
  for (const { identity } of found.filter(({ identity: { pid = 0 } }) => pid >= 100)) {
    t.equal(identity.exe, undefined)
    t.equal(identity.signal, undefined)
  }
  t.match(found.find(({ identity }) => identity.pid === 99)?.identity, { exe: '/usr/bin/my app', signal: 11 })
})

t.test("another name for somebody else's file", { skip }, async (t) => {
  const { root } = open(t)
  write(root, '/etc/shadow', 'secret')
  linkSync(join(root, 'etc/shadow'), join(root, CRASH, 'core.shadow'))
  const { found, gaps } = await look(root)
  t.equal(found.length, 1)
  t.match(gaps, [
    { status: 'failed', reason: 'cannot take /var/crash/core.shadow: it has another name elsewhere (a hard link)' },
  ])
  unlinkSync(join(root, 'etc/shadow'))
  write(root, '/proc/sys/fs/protected_hardlinks', '0\n')
  t.equal((await look(root)).of('core.shadow')?.identity.claimed, true, 'its only name may be of anybody')
})

t.test('names that are no names', { skip }, async (t) => {
  const { root, core } = open(t)
  const names = ['a\nb', '\x1b]52;c;x\x07', '\u202egpj', 'x'.repeat(255), '$(id)', '-rf']
  for (const name of names) plant(root, `${CRASH}/${name}`)
  for (const name of names.slice(0, 2)) linkSync(join(root, CRASH, name), join(root, CRASH, `${name}.linked`))
  const { found, reasons } = await look(root)
  t.equal(found[0]?.id, core)
  t.ok(found.every(({ name }) => /^cores\/[A-Za-z0-9._-]{1,200}$/.test(name)))
  t.match(
    reasons,
    /^cannot take \/var\/crash\/.*: it has another name elsewhere \(a hard link\) \(and 3 more like it\)$/,
  )
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  t.notMatch(reasons, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/)
})

t.test('a file that its owner holds', { skip }, async (t) => {
  const { root } = open(t)
  const file = plant(root, `${CRASH}/core.held`)
  const hold =
    'import fcntl, os, sys, time; f = os.open(sys.argv[1], os.O_RDWR); fcntl.fcntl(f, fcntl.F_SETLEASE, fcntl.F_WRLCK); print(1, flush=True); time.sleep(60)'
  const holder = spawn('python3', ['-c', hold, file], { stdio: ['ignore', 'pipe', 'ignore'] })
  t.teardown(() => holder.kill('SIGKILL'))
  await once(holder.stdout, 'data')
  const { of } = await look(root)
  await t.rejects(readAll(of('core.held')), /^cannot open .*core\.held: EAGAIN/, 'it is not waited for')
})

t.test('a core that is still to come is not taken for one that is there', { skip }, async (t) => {
  const { root } = open(t)
  const status = 'Name:\tpayd\nUid:\t0\t0\t0\t0\nThreads:\t1\nVmRSS:\t1000 kB\nCoreDumping:\t1\n'
  write(root, '/proc/77/status', status)
  plant(root, `${CRASH}/core.payd.0.${BOOT}.77.${Date.now()}000`)
  plant(root, `${CRASH}/core.77`)
  const { found } = await look(root)
  t.ok(found.find(({ id }) => id === 'pid 77'))
})

t.test('more than there is time for', { skip }, async (t) => {
  const { root, core } = open(t)
  for (let n = 0; n < 300; n++) plant(root, `${CRASH}/core.${n}`)
  const pattern = { kind: 'handler', text: '|/lib/systemd/systemd-coredump' } as const
  const late = await findCores(root, [CRASH, COREDUMPS], pattern, unhurried(), { all: 60_000, others: 0 })
  t.ok(
    late.files.some(({ path }) => path === core),
    "the host's own come first, and are not hurried",
  )
  t.match(late.problems, [
    /^cannot look at all of \/var\/crash: it has more than \d+ entries, and there was no more time$/,
  ])
  t.same(late.looked, [CRASH, COREDUMPS])
})
