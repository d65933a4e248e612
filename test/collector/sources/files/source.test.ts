import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { wishOf } from '../../../../agent/collector/sources/files/wish.ts'
import { scratch } from '../../crashed-cores/cores.ts'
import { contextOf, lastWords, PLENTY } from '../../looking.ts'
import { readAll, readWhile, unhurried } from '../../reading.ts'
import { asking, HOUR, look, MIB, put, rowsOf, smallFiles, source } from './host.ts'

const isRoot = process.geteuid?.() === 0

t.test('without recipients nothing, unless it is named', async (t) => {
  const root = scratch(t)
  put(root, '/var/log/syslog', 'a line\n')
  const { found, gaps } = await look(root, { recipients: [] })
  t.strictSame(found, [])
  t.match(gaps, [{ source: 'files', status: 'skipped', reason: /no recipient is set: name one in seal.recipients/ }])
  const named = await look(root, { recipients: [], paths: ['logs', '/var/log/sys*'] })
  t.match(named.found, [{ name: 'files.tar.zst', class: 'text' }])
  t.strictSame(await look(root, { paths: [] }), { found: [], gaps: [] })
})

t.test('the logs of a host and its containers share a tar, as they are', async (t) => {
  const root = scratch(t)
  put(root, '/var/log/syslog', 'password=geheim\n', 1)
  put(root, '/var/log/pods/ns_app_1/main/0.log', 'of a pod\n', 2)
  put(root, '/var/lib/docker/containers/aa/aa-json.log.1', 'of docker\n', 3)
  put(root, '/var/lib/docker/containers/aa/config.v2.json', 'no log\n')
  put(root, '/var/log/journal/1/system.journal', 'is the journal’s\n')
  put(root, '/var/log/journal.txt', 'is none\n', 4)
  put(root, '/srv/app/log/x.log', 'nobody named it\n')
  chmodSync(put(root, '/var/log/secure', 'secret\n', 5), 0o4640)
  const { found, gaps } = await look(root)
  t.strictSame(gaps, [])
  t.match(found, [{ name: 'files.tar.zst', class: 'text', phase: 'stored', encoding: 'frames', value: 500 }])
  t.equal(found.length, 1)
  const { entries, outcome, content } = await smallFiles(found[0])
  t.strictSame(
    [...entries.keys()],
    [
      ...['syslog', 'pods/ns_app_1/main/0.log'].map((name) => `root/var/log/${name}`),
      'root/var/lib/docker/containers/aa/aa-json.log.1',
      ...['journal.txt', 'secure'].map((name) => `root/var/log/${name}`),
      'files.tsv',
    ],
    'the newest first',
  )
  t.equal(entries.get('root/var/log/syslog'), 'password=geheim\n', 'nothing is masked')
  t.match(outcome, {
    identity: { details: { source: 'files', count: 5, first: [{ path: '/var/log/syslog', bytes: 16 }] } },
  })
  t.notOk(outcome.truncated)
  const listed = execFileSync('tar', ['-tvf', '-', '--numeric-owner'], { input: content }).toString()
  const { uid, gid } = statSync(join(root, '/var/log/secure'))
  t.match(
    listed,
    new RegExp(`-rw-r----- ${uid}/${gid} +7 .* root/var/log/secure`),
    'owner and mode, and no set-user-id',
  )
  t.match(rowsOf(entries).get('/var/log/secure'), ['here', '4640', `${uid}`, `${gid}`, '7'])
})

t.test('one file alone is a tar, and a table of nothing else', async (t) => {
  const root = scratch(t)
  symlinkSync('/etc/passwd', join(root, 'link'))
  const { found } = await look(root, { paths: ['/link'] })
  t.strictSame(found, [], 'where a link leads there is nothing in this root')
  put(root, '/a/b', 'x')
  const one = await look(root, { paths: ['/a/b'] })
  t.strictSame([...(await smallFiles(one.found[0])).entries.keys()], ['root/a/b', 'files.tsv'])
  const twice = await look(root, { paths: ['/a/b', '/a/*', '/**'] })
  t.match(twice.found, [{ identity: { details: { count: 1 } } }], 'once, whatever means it')
  t.match((await look(root, { paths: ['/a'] })).gaps, [
    { status: 'skipped', reason: /it is a directory: name \/a\/\*\* for all in it/ },
  ])
  t.match((await look(root, { paths: ['/nothing/**'] })).gaps, [
    { status: 'absent', reason: 'no file is there for files.paths = /nothing/**' },
  ])
})

t.test('links, FIFOs, sockets and devices are told, and never opened', async (t) => {
  const root = scratch(t)
  put(root, '/var/log/real', 'x')
  symlinkSync('../../../etc/shadow', join(root, 'var/log/link'))
  symlinkSync('.', join(root, 'var/log/loop'))
  symlinkSync('loop-b', join(root, 'var/log/loop-a'))
  symlinkSync('loop-a', join(root, 'var/log/loop-b'))
  execFileSync('mkfifo', [join(root, 'var/log/fifo')])
  const server = createServer().listen(join(root, 'var/log/socket'))
  t.teardown(() => server.close())
  const { found, gaps } = await look(root)
  t.equal(found.length, 1)
  const told = gaps.map(({ status, reason, identity }) => `${status} ${identity?.path}: ${reason}`).sort()
  t.match(told, [
    'absent /var/log/fifo: /var/log/fifo is a FIFO, and not opened',
    'absent /var/log/link: /var/log/link is a link to ../../../etc/shadow, and not opened',
    /loop-a is a link to loop-b/,
    /loop-b is a link to loop-a/,
    /loop is a link to \./,
    /socket is a socket, and not opened/,
  ])
  const { entries } = await smallFiles(found[0])
  t.strictSame([...entries.keys()], ['root/var/log/real', 'files.tsv'])
  t.match(rowsOf(entries).get('/var/log/fifo'), ['strange'])
  const loop = await look(root, { paths: ['/var/log/loop-a/**'] })
  t.match(loop.gaps, [{ status: 'failed', reason: /its links lead to each other/ }])
  for (let at = 0; at < 40; at++) symlinkSync('x', join(root, `var/log/many-${at}`))
  t.match((await look(root)).gaps, {
    length: 17,
    16: { status: 'absent', reason: '30 more links and special files, not opened' },
  })
})

t.test('where a directory is a link, what it leads to is looked at; inside nothing is followed', async (t) => {
  const root = scratch(t)
  put(root, '/data/log/app.log', 'x')
  put(root, '/data/log/journal/1/system.journal', 'the journal’s, by its name here')
  mkdirSync(join(root, 'var'))
  symlinkSync('../data/log', join(root, 'var/log'))
  const { found } = await look(root)
  t.equal(found.length, 1, 'the journal is what it is by its place')
  t.strictSame([...(await smallFiles(found[0])).entries.keys()], ['root/var/log/app.log', 'files.tsv'])
})

t.test('a directory that is swapped for a link after the inventory leads nowhere', async (t) => {
  const root = scratch(t)
  put(root, '/var/log/app/x.log', 'log\n')
  put(root, '/secrets/x.log', 'key\n')
  const big = put(root, '/var/log/app/big.log', Buffer.alloc(2 * MIB, 'a'))
  put(root, '/secrets/big.log', Buffer.alloc(2 * MIB, 'k'))
  const { found } = await look(root)
  renameSync(join(root, 'var/log/app'), join(root, 'var/log/away'))
  symlinkSync('../../secrets', join(root, 'var/log/app'))
  t.ok(statSync(big).isFile())
  const { entries } = await smallFiles(found[0])
  t.strictSame([...entries.keys()], ['files.tsv'])
  t.match(rowsOf(entries).get('/var/log/app/x.log'), { 0: 'failed', 6: /a directory above it was replaced by a link/ })
  await t.rejects(readAll(found[1]), /a directory above it was replaced by a link/)
})

t.test('what may hold memory is class memory, and alone', async (t) => {
  const root = scratch(t)
  const memory = [
    'heap.hprof',
    'java_pid7.hprof.gz',
    'hs_err_pid42.log',
    'core',
    'core.1234',
    'app.core',
    'x.journal',
    'vmcore',
  ]
  for (const name of memory) put(root, `/srv/${name}`, name)
  for (const name of ['score', 'core1', 'x.hprofile', 'encore.log']) put(root, `/srv/${name}`, name)
  put(root, '/srv/dumps/d1', 'mine')
  const { found } = await look(root, { paths: ['/srv/**'], memory: ['/srv/dumps/*'] })
  t.strictSame(
    found
      .filter((item) => item.class === 'memory')
      .map(({ name }) => name)
      .sort(),
    [...memory, 'dumps/d1'].map((name) => `files/srv/${name}.zst`).sort(),
  )
  const { entries } = await smallFiles(found[0])
  t.strictSame([...entries.keys()].sort(), [
    'files.tsv',
    ...['core1', 'encore.log', 'score', 'x.hprofile'].map((name) => `root/srv/${name}`),
  ])
  t.equal((await readAll(found.find(({ name }) => name.includes('42')))).content.toString(), 'hs_err_pid42.log')
})

t.test('age, limit, and what is compressed', async (t) => {
  const root = scratch(t)
  put(root, '/var/log/new', 'x')
  put(root, '/var/log/old', 'x', 49)
  put(root, '/var/log/older', 'x', 490)
  put(root, '/var/log/a.log.2.gz', Buffer.alloc(3 * MIB, 1), 1)
  put(root, '/var/log/b.log.2.gz', Buffer.alloc(6 * MIB, 1), 2)
  put(root, '/var/log/big.log', Buffer.alloc(20 * MIB, 2))
  const { found, gaps } = await look(root, { age: 48 * HOUR, limit: 13 * MIB })
  t.match(
    found.map(({ name, bytes, ratio }) => [name, bytes, ratio]),
    [
      ['files.tar.zst'],
      ['files/var/log/big.log.zst', 8 * MIB],
      ['files/var/log/a.log.2.gz.zst', 3 * MIB, 1],
      [`files/var/log/big.log@${10 * MIB + 1}.zst`, 2 * MIB - 1],
    ],
    'all of a compressed one or nothing, and the newest end of a log',
  )
  t.match(gaps, [
    {
      status: 'skipped',
      because: 'limit',
      reason: /^the first 10MiB of .var.log.big.log, 20MiB, are left out: files.limit is 13MiB, 29MiB would take all/,
      identity: { path: '/var/log/big.log' },
    },
    { status: 'skipped', reason: /^1 file, 6MiB, of what is beyond the newest: .*b\.log\.2\.gz/ },
    { status: 'skipped', because: 'limit', reason: /^2 files, .* older than files.age = 2d \(\/var\/log\/old/ },
  ])
})

t.test('a file that cannot be read, or is gone, costs itself', { skip: isRoot && 'root reads all' }, async (t) => {
  const root = scratch(t)
  put(root, '/var/log/a', 'x')
  chmodSync(put(root, '/var/log/closed', 'x'), 0)
  put(root, '/var/log/gone', 'x')
  mkdirSync(join(root, 'var/log/shut'), { mode: 0 })
  t.teardown(() => chmodSync(join(root, 'var/log/shut'), 0o700))
  const { found, gaps } = await look(root)
  t.match(gaps, [{ status: 'failed', because: 'host', reason: /cannot look at \/var\/log\/shut: EACCES/ }])
  rmSync(join(root, 'var/log/gone'))
  const { entries, outcome } = await smallFiles(found[0])
  t.match(rowsOf(entries).get('/var/log/closed'), { 0: 'failed', 1: '0000', 6: /EACCES/ })
  t.match(rowsOf(entries).get('/var/log/gone'), { 0: 'gone', 6: /ENOENT/ })
  t.match(outcome, { identity: { details: { count: 1, unread: 1 } } })
  t.match(outcome.truncated, /^1 of 3 files could not be read: cannot open .*closed: EACCES/)
})

t.test('names that are no text, and all that may stand in one', async (t) => {
  const root = scratch(t)
  put(root, '/srv/.hidden/größe 1%.log', 'x')
  execFileSync('bash', ['-c', `printf y > $'/${root.slice(1)}/srv/\\xff\\n'`])
  const long = 'ü'.repeat(120)
  put(root, `/srv/${long}.hprof`, 'z')
  const deep = Array(8).fill('d'.repeat(250)).join('/')
  put(root, `/srv/${deep}/x.hprof`, 'z')
  const { found } = await look(root, { paths: ['/srv/**'] })
  const { entries, content } = await smallFiles(found[0])
  t.strictSame(new Set(entries.keys()), new Set(['root/srv/.hidden/größe 1%.log', 'root/srv/\\xff\\u{a}', 'files.tsv']))
  t.match(execFileSync('tar', ['-tf', '-'], { input: content, env: { LC_ALL: 'C.UTF-8' } }).toString(), /größe 1%.log/)
  const names = found.slice(1).map(({ name }) => name)
  t.ok(names.every((name) => name.length <= 728 && name.split('/').every((part) => part.length <= 204)))
  t.ok(
    names.every((name) => /^files\/srv\/[\w%~/]+\.zst$/.test(name)),
    names.join('\n'),
  )
  t.equal(new Set(names).size, 2)
})

t.test('a sparse file is taken whole, and its holes are not read', async (t) => {
  const root = scratch(t)
  const path = put(root, '/var/log/lastlog', 'head')
  truncateSync(path, 200 * MIB)
  const { found } = await look(root, { limit: 10 * MIB })
  t.match(found[1], { name: 'files/var/log/lastlog.zst', bytes: 200 * MIB })
  t.ok((found[1]?.holes ?? 0) > 199 * MIB)
  t.ok((found[1]?.ratio ?? 1) < 0.001)
  const { content, outcome } = await readAll(found[1])
  t.equal(content.length, 200 * MIB)
  t.equal(content.toString('latin1', 0, 5), 'head\0')
  t.ok((outcome.identity?.holes ?? 0) >= 190 * MIB)
})

t.test('a directory that is flooded is bounded, and costs the others nothing', async (t) => {
  const root = scratch(t)
  mkdirSync(join(root, 'var/log/flood'), { recursive: true })
  const first = put(root, '/var/log/flood/0', '')
  // Links to one file are made faster than files.
  for (let at = 1; at < 9000; at++) linkSync(first, join(root, `var/log/flood/${at}`))
  put(root, '/var/log/z/deep/app.log', 'x')
  const { found, gaps } = await look(root)
  t.match(gaps, [
    { status: 'skipped', reason: /of what is beyond the newest/ },
    {
      status: 'failed',
      because: 'host',
      reason: /flood: more than 8192 names are in it: the others were not looked at/,
    },
  ])
  const { entries } = await smallFiles(found[0])
  t.equal(entries.get('root/var/log/z/deep/app.log'), 'x')
  t.ok(entries.size <= 2001)
})

t.test('more directories than are looked at, and no time', async (t) => {
  const root = scratch(t)
  for (let at = 0; at < 2001; at++) mkdirSync(join(root, `var/log/${at}`), { recursive: true })
  for (let at = 0; at < 2001; at += 100) put(root, `/var/log/${at}/a.log`, 'x')
  const { found, gaps } = await look(root)
  t.match(gaps, [
    { status: 'failed', because: 'host', reason: /not all files were looked at: there are more than 2000 directories/ },
  ])
  const details = found[0]?.identity.details
  t.ok(details?.source === 'files' && (details.count ?? 0) >= 20, 'those that were listed are')
  const late = await source.open(contextOf(root, asking())).inventory(0, unhurried())
  t.match(late, {
    found: [],
    gaps: [{ status: 'failed', because: 'deadline', reason: /the time was up after [01] directories/ }],
  })
  let deep = '/var/log/0'
  for (let at = 0; at < 30; at++) deep += '/d'
  put(root, `${deep}/x`, 'x')
  t.match((await look(root, { paths: ['/var/log/0/**'] })).gaps, [{ reason: /it lies too deep/ }])
})

t.test('what lies on another machine, or is a process’s, is entered only where it is named', async (t) => {
  const root = scratch(t)
  put(root, '/var/log/app.log', 'x')
  put(root, '/var/log/nfs/far.log', 'x')
  put(root, '/var/log/auto/a/b.log', 'x')
  const mount = (id: number, path: string, type: string) => `${id} 1 0:${id} / ${path} rw - ${type} source rw`
  const mounts = [mount(1, '/', 'ext4'), mount(2, '/var/log/nfs', 'nfs4'), mount(3, '/var/log/auto', 'autofs')]
  put(root, '/proc/self/mountinfo', `${mounts.join('\n')}\n`)
  put(root, '/var/log/nfs/deep/x.log', 'x')
  symlinkSync('/var/log/nfs', join(root, 'link'))
  symlinkSync('/var/log/nfs/deep', join(root, 'deep-link'))
  const { found, gaps } = await look(root)
  t.strictSame([...(await smallFiles(found[0])).entries.keys()], ['root/var/log/app.log', 'files.tsv'])
  t.match(gaps.map(({ status, because, reason }) => `${status} ${because} ${reason}`).sort(), [
    'skipped limit cannot look at /var/log/auto: it lies on autofs (/var/log/auto), which is entered only where files.paths names it',
    'skipped limit cannot look at /var/log/nfs: it lies on nfs4 (/var/log/nfs), which is entered only where files.paths names it',
  ])
  const named = await look(root, { paths: ['/var/log/nfs/*.log'] })
  t.strictSame([...(await smallFiles(named.found[0])).entries.keys()], ['root/var/log/nfs/far.log', 'files.tsv'])
  put(root, '/proc/self/mountinfo', `${mount(1, '/', '9p')}\n${mount(2, '/var/log', 'fuse.s3fs')}\n`)
  t.match(await look(root), { found: [], gaps: [{ reason: /\/var\/log: it lies on fuse\.s3fs/ }, {}] }, 'all logs')
  t.equal((await look(root, { paths: ['/var/log/*.log'] })).found.length, 1)
  put(root, '/proc/self/mountinfo', `${mounts.join('\n')}\n`)
  const linked = await look(root, { paths: ['/link/**'] })
  t.match(linked, { found: [], gaps: [{ status: 'skipped', reason: /\/link: it lies on nfs4/ }] })
  const deep = await look(root, { paths: ['/deep-link/**', '/deep-link/x.log'] })
  t.match(deep, { found: [], gaps: [{ reason: /deep-link: it lies on nfs4/ }, { reason: /x.log: it lies on nfs4/ }] })
})

t.test('what was written since it was read comes up at the end', async (t) => {
  const root = scratch(t)
  const small = put(root, '/var/log/small.log', 'first\n')
  const big = put(root, '/var/log/big.log', Buffer.alloc(2 * MIB, 'a'))
  put(root, '/var/log/still.log', 'x')
  put(root, '/var/log/rotated.log', 'before\n')
  const session = source.open(contextOf(root, asking()))
  const { found } = await session.inventory(PLENTY, unhurried())
  const [tar, end] = found
  appendFileSync(small, 'second\n')
  t.equal((await smallFiles(tar)).entries.get('root/var/log/small.log'), 'first\nsecond\n', 'as it is when it is read')
  await readAll(end)
  t.strictSame((await lastWords(session)).found, [], 'nothing since')

  const again = source.open(contextOf(root, asking()))
  const listed = await again.inventory(PLENTY, unhurried())
  for (const item of listed.found) await readAll(item)
  appendFileSync(small, 'third\n')
  appendFileSync(big, 'b'.repeat(10))
  put(root, '/var/log/new.log', 'new\n')
  renameSync(join(root, '/var/log/rotated.log'), join(root, '/var/log/rotated.log.1'))
  appendFileSync(join(root, '/var/log/rotated.log.1'), 'last\n')
  put(root, '/var/log/rotated.log', 'begun\n')
  put(root, '/var/log/moved.log', 'is older', 1)
  for (const name of ['new.log.1.gz', 'core.1', 'empty.log'])
    put(root, `/var/log/${name}`, name === 'empty.log' ? '' : 'x')
  put(root, '/var/log/large.log', Buffer.alloc(2 * MIB))
  const late = await lastWords(again)
  t.match(late, {
    gaps: [],
    found: [{ name: 'files-late.tar.zst', class: 'text', identity: { details: { count: 5 } } }],
  })
  const { entries, outcome } = await smallFiles(late.found[0])
  entries.delete('files.tsv')
  const offset = (at: number) => `+${String(at).padStart(19, '0')}`
  t.strictSame(
    new Map([...entries].sort()),
    new Map([
      [`root/var/log/big.log${offset(2 * MIB)}`, 'b'.repeat(10)],
      ['root/var/log/new.log', 'new\n'],
      [`root/var/log/rotated.log.1${offset(7)}`, 'last\n'],
      ['root/var/log/rotated.log+new', 'begun\n'],
      [`root/var/log/small.log${offset(13)}`, 'third\n'],
    ]),
  )
  t.notOk(outcome.truncated)
})

t.test('small logs that were rotated meanwhile: each once, by the name that it has', async (t) => {
  const root = scratch(t)
  const at = put(root, '/var/log/a.log', 'third\n')
  put(root, '/var/log/a.log.1', 'second\n', 1)
  put(root, '/var/log/a.log.2', 'first\n', 2)
  const { found } = await look(root)
  for (const age of [3, 2]) renameSync(`${at}.${age - 1}`, `${at}.${age}`)
  renameSync(at, `${at}.1`)
  put(root, '/var/log/a.log', 'fourth\n')
  const { content } = await smallFiles(found[0])
  const listed = execFileSync('tar', ['-tf', '-'], { input: content }).toString().trimEnd().split('\n').sort()
  t.strictSame(listed, ['files.tsv', ...['', '.1', '.2', '.3'].map((age) => `root/var/log/a.log${age}`)])
  const { entries, outcome } = await smallFiles(found[0])
  t.equal(
    ['', '.1', '.2', '.3'].map((age) => entries.get(`root/var/log/a.log${age}`)).join(''),
    'fourth\nthird\nsecond\nfirst\n',
  )
  t.notOk(outcome.truncated)
})

t.test('a tar that is stopped early is whole, and says what it lacks', async (t) => {
  const root = scratch(t)
  for (let at = 0; at < 20; at++) put(root, `/var/log/${at}`, Buffer.alloc(MIB / 2, 'x'), at)
  const { found } = await look(root)
  const stop = new AbortController()
  const { content, outcome } = await readWhile(found[0], (chunk) => chunk === 3 && stop.abort(), undefined, stop.signal)
  const names = execFileSync('tar', ['-tf', '-'], { input: content }).toString()
  t.equal(names, 'root/var/log/0\nroot/var/log/1\nroot/var/log/2\nfiles.tsv\n')
  t.match(outcome, { truncated: '17 of 20 files were not read in time', identity: { details: { count: 3 } } })
  const small = await smallFiles(found[0], 2 * MIB)
  t.ok(small.content.length < 2 * MIB)
  t.ok(small.entries.has('files.tsv'))
  t.match(small.outcome.truncated, /of 20 files did not fit/)
})

t.test('while a settings layer is broken, only logs are text', async (t) => {
  const settings = asking({ paths: ['logs', '/srv/*'] })
  const broken = wishOf({ ...settings, seal: { ...settings.seal, broken: 'a layer' } })
  t.strictSame(['/var/log/a', '/srv/b'].map(broken.isMemory), [false, true])
  t.strictSame(['/var/log/a', '/srv/b'].map(wishOf(settings).isMemory), [false, false])
})
