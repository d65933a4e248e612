import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, renameSync, rmSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import t from 'tap'
import { archivedName, parseHeader } from '../../../../agent/collector/host/journal/header.ts'
import { journalSource } from '../../../../agent/collector/sources/journal/source.ts'
import { coredumpUnit, crash, from, writeJournal } from '../../host/journal/write-journal.ts'
import { lastWords, looked, PLENTY } from '../../looking.ts'
import { readAll, restore, unhurried } from '../../reading.ts'
import { BOOTS, context, fixture, journalctl, layOut, MACHINE, shortDirectory, varlinkServer } from './host.ts'

const liveHeader = parseHeader(fixture('system.journal.zst'))
if (liveHeader === undefined) throw new Error('the fixture is no journal')
const liveName = archivedName('system', liveHeader)
const crashedHeader = parseHeader(fixture('crash/system.journal.zst'))
if (crashedHeader === undefined) throw new Error('the fixture is no journal')
const crashedName = archivedName('system', crashedHeader)

t.test('this boot, newest first, without a journald', async (t) => {
  const root = shortDirectory(t)
  layOut(root)
  const { found, gaps } = await looked(journalSource(), context(root))
  t.equal(found.length, 2)
  t.match(found[0], {
    source: 'journal',
    name: `journal/${liveName}.journal.zst`,
    class: 'text',
    phase: 'stored',
    encoding: 'frames',
    identity: {
      path: `/var/log/journal/${MACHINE}/${liveName}.journal`,
      bootId: BOOTS[2],
      details: { entries: 3, from: Number },
    },
  })
  t.ok((found[0]?.value ?? 0) > (found[1]?.value ?? 0))
  t.match(gaps, [
    {
      source: 'journal',
      status: 'skipped',
      reason: /^4 journal files, .*, of earlier boots: journal.boots = 3 would take them/,
    },
  ])

  const fetched = t.testdir()
  const live = await restore(fetched, found[0] as (typeof found)[0])
  t.match(live.outcome.identity?.details, { open: /^journald's .*ENOENT|ENOENT/ })
  t.equal(live.outcome.truncated, undefined)
  const archived = await restore(fetched, found[1] as (typeof found)[0])
  t.match(archived.outcome.identity?.details, { entries: Number, open: undefined })
  t.match(
    journalctl(`--root=${fetched}`, '-t', 'app'),
    /^line one of the third boot\n(.*\n)*line three of the third boot\n$/,
  )
  execFileSync('journalctl', ['--verify', `--file=${archived.path}`], { stdio: 'pipe' })
})

t.test('all boots, a damaged file and a user among them', async (t) => {
  const root = shortDirectory(t)
  layOut(root)
  const { found, gaps } = await looked(journalSource(), context(root, { boots: 9 }))
  t.same(gaps, [])
  t.equal(found.length, 6)
  t.equal(new Set(found.map(({ name }) => name)).size, 6)
  const dirty = found.find(({ identity }) => identity.path?.endsWith('.journal~'))
  t.match(dirty?.name, /^journal\/system@[0-9a-f]+-[0-9a-f]+\.dirty\.journal\.zst$/)
  const user = found.find(({ name }) => name.startsWith('journal/user-1000@'))
  t.ok((user?.value ?? 999) < (found[4]?.value ?? 0), 'the host comes before its users')
  t.equal(found[5], user)
  const tree = t.testdir()
  for (const item of found) await restore(tree, item)
  const lines = journalctl(`--root=${tree}`)
  for (const line of ['one of the first', 'one of the second', 'two of the second', 'three of the third']) {
    t.match(lines, `line ${line} boot`)
  }
  t.match(lines, 'a line of a user')
})

t.test('archived on opening, found under its new name', async (t) => {
  const root = shortDirectory(t)
  const directory = layOut(root)
  const session = journalSource().open(context(root))
  let rotations = 0
  const asked = await varlinkServer(t, root, (method) => {
    if (method.endsWith('Rotate')) {
      const content = readFileSync(join(directory, 'system.journal'))
      content[16] = 2
      writeFileSync(join(directory, 'system.journal'), content)
      const name = rotations === 0 ? liveName : 'system@0-1-2'
      renameSync(join(directory, 'system.journal'), join(directory, `${name}.journal`))
      const next = fixture('system.journal.zst')
      next.fill(++rotations, 24, 40)
      writeFileSync(join(directory, 'system.journal'), next)
    }
    return '{"parameters":{}}\0'
  })
  const { found } = await session.inventory(PLENTY, unhurried())
  t.same(asked, [], 'an inventory changes nothing')
  const { content, outcome } = await readAll(found[0])
  t.same(asked, ['io.systemd.Journal.Synchronize', 'io.systemd.Journal.Rotate'])
  t.equal(content[16], 2, 'the archived state')
  t.match(outcome.identity?.details, { entries: Number, open: undefined })
  t.equal(basename(found[0]?.identity.path ?? ''), `${liveName}.journal`)

  // The next file is archived by the last rotation, so it is the last words; what came after that is not.
  const last = await lastWords(session)
  t.same(
    last.found.map(({ name }) => name),
    ['journal/system@0-1-2.journal.zst'],
  )
  t.same(last.gaps, [])
})

t.test('last words where nothing can be rotated', async (t) => {
  const root = t.testdir()
  const directory = layOut(root)
  const session = journalSource().open(context(root))
  const { found } = await session.inventory(PLENTY, unhurried())
  await readAll(found[0])
  t.same((await lastWords(session)).found, [], 'nothing was logged since')
  const grown = fixture('system.journal.zst')
  grown.writeBigUInt64LE(4n, 152)
  writeFileSync(join(directory, 'system.journal'), grown)
  const last = await lastWords(session)
  t.match(last.found, [{ name: `journal/${liveName}.again.journal.zst`, id: `${found[0]?.id}.again` }])
  t.same((await readAll(last.found[0])).content, grown)
})

t.test("a journal with a crash's environment or core is memory", async (t) => {
  const root = t.testdir()
  const directory = layOut(root)
  writeFileSync(join(directory, 'system@1-2-3.journal'), fixture('crash/environment.journal.zst'))
  writeFileSync(join(directory, 'system@1-2-4.journal'), fixture('crash/core.journal.zst'))
  const { found } = await looked(journalSource(), context(root, { boots: 9 }))
  const memory = found.filter((item) => item.class === 'memory').map(({ name }) => name)
  const dirty = 'its tables may lack what was not written when the power went'
  t.match(memory.sort(), [/\.dirty\./, /1-2-3/, /1-2-4/], dirty)
  t.equal(found.length, 8)
  t.equal(memory.length, 3)
})

t.test("a user's word for a crash keeps no journal on the host", async (t) => {
  const root = t.testdir()
  const directory = layOut(root)
  const forged = [...crash(7, ['COREDUMP_ENVIRON=x', 'COREDUMP=x']), ...from('session-4.scope', 1000)]
  writeFileSync(
    join(directory, 'system@1-2-3.journal'),
    writeJournal([['MESSAGE=root', ...from('a.service', 0)], forged]),
  )
  const real = [...crash(8, ['COREDUMP_ENVIRON=x']), ...from(coredumpUnit(8), 1000)]
  writeFileSync(join(directory, 'system@1-2-4.journal'), writeJournal([forged, real]))
  const { found } = await looked(journalSource(), context(root))
  const of = (part: string) => found.find(({ name }) => name.includes(part))
  t.equal(of('@1-2-3')?.class, 'text')
  t.equal(of('@1-2-4')?.class, 'memory', 'a real one beside it')
  t.ok((await readAll(of('@1-2-3'))).content.length > 0, 'it leaves')
})

t.test('files of very many users', async (t) => {
  const root = t.testdir()
  const directory = layOut(root)
  const line = writeJournal([['MESSAGE=x', ...from('session-4.scope', 100_000)]])
  for (let uid = 100_000; uid < 101_010; uid++)
    writeFileSync(join(directory, `user-${uid}.journal`), line.subarray(0, 4096))
  const { found, gaps } = await looked(journalSource(), context(root, { limit: 2 ** 21 }))
  t.equal(found.filter(({ name }) => name.includes('system@')).length, 2, "the host's own")
  t.match(
    gaps.find(({ status }) => status === 'failed')?.reason,
    /users' files in .* were not looked at: there are too many/,
  )
})

t.test('a crash after the inventory', async (t) => {
  const root = t.testdir()
  const directory = layOut(root)
  const live = join(directory, 'system.journal')
  const crashed = fixture('crash/environment.journal.zst')
  const list = async (seal: Parameters<typeof context>[2]) => {
    writeFileSync(live, fixture('crash/system.journal.zst'))
    const session = journalSource().open(context(root, {}, seal))
    const { found } = await session.inventory(PLENTY, unhurried())
    const item = found.find(({ name }) => name.includes(crashedName))
    t.equal(item?.class, 'text')
    return { session, item }
  }

  for (const seal of [{}, { recipients: ['age1…'], broken: 'a settings layer is broken' }]) {
    const { session, item } = await list(seal)
    writeFileSync(live, crashed)
    await t.rejects(readAll(item), {
      name: 'Error',
      because: 'seal',
      message: /holds a crash's environment or core by now/,
    })
    t.same((await lastWords(session)).found, [], 'nor does it come with the last words')
  }
  for (const seal of [{ recipients: ['age1…'] }, { unsealed: 'allow' as const }]) {
    const { item } = await list(seal)
    writeFileSync(live, crashed)
    t.equal((await readAll(item)).content.compare(crashed), 0, 'sealed, or allowed')
  }

  const { session, item } = await list({})
  await readAll(item)
  writeFileSync(live, crashed)
  const last = await lastWords(session)
  t.match(last.found, [{ name: /\.again\.journal\.zst$/, class: 'memory' }], 'in the last words')
})

t.test('a crash while a file in use is copied', async (t) => {
  const root = t.testdir()
  const directory = layOut(root)
  const content = fixture('crash/system.journal.zst')
  const live = join(directory, 'system.journal')
  writeFileSync(live, content)
  const { found } = await looked(journalSource(), context(root))
  await using reading = await (found[0] as (typeof found)[0]).open(2 ** 40, unhurried())
  const crashed = fixture('crash/environment.journal.zst')
  writeFileSync(live, Buffer.concat([crashed, content.subarray(crashed.length)]))
  await t.rejects(async () => {
    for await (const _ of reading.chunks) t.fail('nothing may leave')
  }, /holds a crash's environment or core by now/)
})

t.test('another file in the place of one that was listed', async (t) => {
  const root = t.testdir()
  const directory = layOut(root)
  const { found } = await looked(journalSource(), context(root))
  const path = join(directory, basename(found[1]?.identity.path ?? ''))
  unlinkSync(path)
  writeFileSync(path, fixture('crash/system.journal.zst'))
  await t.rejects(readAll(found[1]), /cannot open .*: it is not the file that was found there before/)
})

t.test('only what the header vouches for of a file in use', async (t) => {
  const root = t.testdir()
  const directory = layOut(root)
  truncateSync(join(directory, 'system.journal'), 600_000)
  const { found } = await looked(journalSource(), context(root))
  t.equal((await readAll(found[0])).content.length, 524288)
  truncateSync(join(directory, 'system.journal'), 300_000)
  const { content, outcome } = await readAll((await looked(journalSource(), context(root))).found[0])
  t.equal(content.length, 300_000)
  t.match(outcome.identity?.details, { headerBytes: 524288 })
})

t.test('a cut copy can be made readable as its receipt says', async (t) => {
  const root = shortDirectory(t)
  layOut(root)
  const { found } = await looked(journalSource(), context(root))
  const { content, outcome } = await readAll(found[0], 100_000)
  t.equal(content.length, 100_000)
  const length = /truncate -s (\d+)$/.exec(outcome.truncated ?? '')?.[1]
  t.equal(length, '524288')
  const file = join(t.testdir(), 'system.journal')
  writeFileSync(file, content)
  t.throws(() => journalctl(`--file=${file}`))
  truncateSync(file, Number(length))
  t.match(journalctl(`--file=${file}`), 'line three of the third boot')
})

t.test('what is no journal file is said', async (t) => {
  const root = t.testdir()
  const directory = layOut(root)
  writeFileSync(join(directory, 'system@1-2-3.journal'), 'no journal')
  execFileSync('mkfifo', [join(directory, 'user-7.journal')])
  writeFileSync(join(directory, 'fss'), 'a sealing key is not for us')
  const { found, gaps } = await looked(journalSource(), context(root))
  t.equal(found.length, 2)
  t.same(gaps.filter(({ status }) => status === 'failed').length, 2)
  t.match(gaps.map(({ reason }) => reason).join('\n'), /user-7\.journal: it is no regular file/)
  t.match(gaps.map(({ reason }) => reason).join('\n'), /system@1-2-3\.journal: it does not begin as a journal/)
})

t.test('one damaged header costs only itself', async (t) => {
  const root = t.testdir()
  const directory = layOut(root)
  const damaged = fixture('system.journal.zst')
  damaged.fill(0xff, 184, 200)
  damaged.write('other id', 24)
  writeFileSync(join(directory, 'system@0006000000000000-0000000000000001.journal~'), damaged)
  const { found, gaps } = await looked(journalSource(), context(root))
  t.equal(found.length, 3)
  const item = found.find(({ name }) => name.includes('@0006'))
  t.match(item, { class: 'memory', identity: { details: { entries: 3, from: undefined, to: undefined } } })
  t.equal(item?.identity.at, undefined)
  t.equal(item, found.at(-1), 'and it is not taken for the newest')
  t.same(
    gaps.filter(({ status }) => status === 'failed'),
    [],
  )
  for (const one of found) t.equal((await readAll(one)).outcome.truncated, undefined)
  const last = await lastWords(journalSource().open(context(root)))
  t.ok(last.found.some(({ name }) => name.includes('@0006')))
})

t.test('what holds nothing, has a name of its own, or is a copy of another file', async (t) => {
  const root = t.testdir()
  const directory = layOut(root)
  const empty = fixture('system.journal.zst')
  empty.writeBigUInt64LE(0n, 152)
  empty.write('other id', 24)
  writeFileSync(join(directory, 'user-9.journal'), empty)
  empty.write('another.', 24)
  writeFileSync(join(directory, 'user-9@1-2.journal~'), empty)
  writeFileSync(`${directory}/system@copy.journal`, fixture('system.journal.zst'))
  writeFileSync(
    Buffer.concat([Buffer.from(`${directory}/user-`), Buffer.from([0xe9]), Buffer.from('.journal')]),
    fixture('crash/system.journal.zst'),
  )
  mkdirSync(join(root, 'var/log/journal/remote'))
  const { found, gaps } = await looked(journalSource(), context(root, { boots: 9 }))
  t.match(gaps, [
    { status: 'absent', reason: /user-9\.journal holds no entries/, identity: { path: /user-9\.journal$/ } },
    { status: 'skipped', reason: /not looked at: \/var\/log\/journal\/remote$/ },
  ])
  t.equal(gaps.length, 2)
  const names = found.map(({ name }) => name)
  t.match(names, new Set([/user-9@1-2\.dirty/]))
  const odd = found.find(({ identity }) => identity.path?.includes('user-\\xe9@'))
  t.ok(odd, 'shown by its bytes')
  t.equal(new Set(found.map(({ id }) => id)).size, found.length)
  t.equal(new Set(names).size, found.length)
  for (const one of found) t.ok((await readAll(one)).content.length > 0)
})

t.test('a file that journald removed meanwhile', async (t) => {
  const root = t.testdir()
  const directory = layOut(root)
  const { found } = await looked(journalSource(), context(root))
  rmSync(directory, { recursive: true })
  await t.rejects(readAll(found[0]), /cannot copy .*system\.journal: journald has removed it/)
  await t.rejects(readAll(found[1]), /cannot open .*ENOENT/)
})

t.test('no journal at all', async (t) => {
  const { found, gaps } = await looked(journalSource(), context(t.testdir()))
  t.same(found, [])
  t.match(gaps, [{ status: 'absent', class: 'text', reason: /no journal files/ }])
  t.same(await lastWords(journalSource().open(context(t.testdir()))), { found: [], gaps: [] })
})
