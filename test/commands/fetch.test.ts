import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import t from 'tap'
import { bareReceipt, CORE_PATH, corePiece, factsPiece, journalPiece, MACHINE_ID } from '../operator/bundle/bundle.ts'
import { filesBelow, setUp } from './set-up.ts'

const core = zstdCompressSync(Buffer.concat([randomBytes(1_000_000), Buffer.alloc(1_000_000)]))
const pieces = async () => [await factsPiece(), await journalPiece(), corePiece(core)]
const hasJournalctl = spawnable('journalctl', '--version')

function spawnable(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args)
    return true
  } catch {
    return false
  }
}

t.test('a sealed bundle lands as on the host', async (t) => {
  const { run, to, here, mine } = await setUp(t, { pieces: await pieces() })
  const { code, stdout, stderr } = await run('fetch', '--identity', mine)
  t.equal(code, 0, stderr)
  const journal = await journalPiece()
  t.strictSame(await filesBelow(to), [
    '.lastgasp-bundle',
    'facts/summary.txt',
    'manifest.json',
    ...['open/confine.py', 'open/cores/app.4711.core.gdb', 'open/symbols.py'],
    'opening.json',
    `root${CORE_PATH}`,
    `root${journal.item?.path}`,
  ])
  t.ok((await here(`root${CORE_PATH}`)).equals(core), 'the core is the host’s file, byte for byte')
  t.ok((await here(`root${journal.item?.path}`)).equals(journal.content))
  t.equal((await stat(to)).mode & 0o777, 0o700, 'and nobody else reads it')
  t.match(stdout, `zstd -d -c -- root${CORE_PATH} > open/cores/app.4711.core\n`)
  t.match(stdout, ' -x open/cores/app.4711.core.gdb\n')
  t.notMatch(stderr, 'lastgasp:')

  const again = await run('fetch', '--identity', mine, '-o', 'json')
  t.equal(again.code, 0)
  t.notMatch(again.stderr, 'cores/', 'what is here is not downloaded again')
  const { fetched } = JSON.parse(again.stdout)
  t.strictSame(
    fetched.map(({ status }: { status: string }) => status),
    ['complete', 'complete', 'complete'],
  )
})

t.test('journalctl reads what was fetched', { skip: !hasJournalctl && 'no journalctl' }, async (t) => {
  for (const end of ['closed', 'interrupted'] as const) {
    const { run, to, mine, directory } = await setUp(t, { end, pieces: await pieces() })
    await run('fetch', '--identity', mine, '--only', 'journal')
    const file = join(directory, 'system.journal')
    await writeFile(file, (await journalPiece()).content)
    const read = (...args: string[]) => execFileSync('journalctl', [...args, '--no-pager'], { encoding: 'utf8' })
    const lines = read('--root', join(to, 'root'))
    t.equal(lines, read('--file', file), end)
    t.notMatch(lines, 'No entries')
  }
})

t.test('an unsealed framed core is decompressed to where the host had it', async (t) => {
  const content = Buffer.concat([randomBytes(5_000_000), Buffer.alloc(20_000_000)])
  const item = { path: '/var/crash/core.12', pid: 12, signal: 6 }
  const { run, here, to } = await setUp(t, {
    sealed: false,
    pieces: [corePiece(content, { encoding: 'frames', item })],
  })
  const { code, stdout } = await run('fetch')
  t.equal(code, 0)
  t.ok((await here('root/var/crash/core.12')).equals(content))
  t.ok((await stat(join(to, 'root/var/crash/core.12'))).blocks * 512 < 13_000_000, 'zeros take no disk')
  t.match(String(await here('open/cores/app.4711.core.gdb')), '\ncore-file root/var/crash/core.12\n')
  t.match(stdout, ' -x open/cores/app.4711.core.gdb\n')
})

t.test('only what is asked for', async (t) => {
  const others = [
    bareReceipt('cores', 'skipped', { artifact: 'cores/b.core.zst', because: 'deadline', reason: 'no time' }),
  ]
  const { run, to, mine } = await setUp(t, { others, pieces: await pieces() })
  t.equal(
    (await run('fetch', '--identity', mine, '--only', 'facts, journal')).code,
    0,
    'what was not asked for is not missed',
  )
  t.notMatch((await filesBelow(to)).join('\n'), 'coredump')
  const rest = await run('fetch', '--identity', mine)
  t.match(rest, { code: 4, stdout: /cores\/b\.core\.zst: skipped: no time/ })
  t.match((await filesBelow(to)).join('\n'), 'coredump')
})

t.test('--only what there is not', async (t) => {
  const others = [bareReceipt('cores', 'absent', { reason: 'nothing crashed' })]
  const { run, to } = await setUp(t, { sealed: false, others, pieces: [await factsPiece()] })
  const unknown = await run('fetch', '--only', 'facts,bogus')
  t.match(unknown, { code: 2, stderr: /cannot fetch bogus: --only takes facts, .*cores/ })
  t.match(await run('fetch', '--only', ','), { code: 2, stderr: /cannot fetch nothing/ })
  const none = await run('fetch', '--only', 'cores')
  t.match(none, { code: 3, stderr: /cannot fetch cores: this bundle has: facts; cores: absent: nothing crashed\n/ })
  t.match(await run('fetch', '--only', 'cores/app.1.core.zst'), { code: 3, stderr: /this bundle has: facts\n/ })
  t.equal(existsSync(to), false, 'no directory is made for nothing')
  t.equal((await run('fetch', '--only', 'facts,cores')).code, 0)
})

t.test('without an identity everything stays sealed, and opens with age', async (t) => {
  const { run, here, to, mine } = await setUp(t, { pieces: await pieces() })
  const { code, stdout } = await run('fetch')
  t.equal(code, 4)
  t.match(stdout, /3 sealed, and not opened: .* of age1/)
  t.match(await filesBelow(join(to, 'sealed')), ['cores/app.4711.core.zst.age', 'facts.tar.zst.age', /^journal/])
  if (spawnable('age', '--version')) {
    const opened = execFileSync('age', ['-d', '-i', mine, join(to, 'sealed/cores/app.4711.core.zst.age')])
    t.ok(opened.equals(core))
  }
  t.equal((await run('fetch', '--keep-sealed', '--identity', mine)).code, 0, 'it is no lack where it was asked for')
  t.equal((await run('fetch', '--identity', mine)).code, 0, 'and the key may come later')
  t.ok((await here(`root${CORE_PATH}`)).equals(core))
})

t.test('an identity that cannot open it is told before anything is downloaded', async (t) => {
  const { run, to, other, directory } = await setUp(t, { pieces: await pieces() })
  t.match(await run('fetch', '--identity', other), { code: 1, stderr: /it is sealed to age1.*--keep-sealed/ })
  await t.rejects(stat(to))
  await writeFile(join(directory, 'broken.txt'), 'AGE-SECRET-KEY-1QQQQ\n')
  const broken = await run('fetch', '--identity', join(directory, 'broken.txt'))
  t.match(broken, { code: 1, stderr: /cannot use the identity file .*broken.txt/ })
  t.notMatch(broken.stderr, 'QQQQ', 'and a secret is never printed')
  t.match(await run('fetch', '--identity', join(directory, 'none.txt')), { code: 1, stderr: /none\.txt/ })
})

t.test('without a manifest, facts tell themselves what they lack', async (t) => {
  const told = async (files: Record<string, string>) => {
    const { run, mine } = await setUp(t, { end: 'interrupted', pieces: [await factsPiece(files)] })
    const { stdout } = await run('fetch', '--identity', mine, '-o', 'json')
    const [{ status, reason }] = JSON.parse(stdout).fetched
    return { status, reason }
  }
  const lost = 'processes.tsv: 4 processes left out\nproc/stat: cut\n\nproc/x: not there\n'
  t.match(await told({ 'summary.txt': 's', 'errors.txt': lost }), {
    status: 'truncated',
    reason: 'processes.tsv: 4 processes left out, and 1 more in facts/errors.txt',
  })
  t.match(await told({ 'summary.txt': 's', 'errors.txt': 'proc/x: not there\n' }), { status: 'complete' })
  t.match(await told({ 'summary.txt': 's' }), { status: 'truncated', reason: /ends before its errors\.txt/ })
})

t.test('an interrupted bundle: what has arrived', async (t) => {
  const { run, here, mine } = await setUp(t, { end: 'interrupted', pieces: await pieces() })
  const { code, stdout } = await run('fetch', '--identity', mine)
  t.equal(code, 4)
  t.match(stdout, 'the host was gone before its capture ended')
  t.equal(String(await here('facts/summary.txt')), 'it was the disk\n')
  const { item } = await journalPiece()
  t.ok(await here(`root/var/log/journal/${MACHINE_ID}/${item?.path?.split('/').at(-1)}`), 'the journal finds its place')
  t.ok(
    (await here('cores/app.4711.core')).equals(zstdDecompressSync(core)),
    'no receipt says by whom it was compressed',
  )
  t.match(stdout, /gdb .* -x open\/cores\/app\.4711\.core\.gdb/)
})

t.test('of a cut object its beginning, and the word that it is one', async (t) => {
  const content = randomBytes(9_000_000)
  const cut = (stored: Buffer) => stored.subarray(0, stored.length - 300_000)
  const item = { path: '/var/crash/core.1', pid: 1 }
  const framed = corePiece(content, { encoding: 'frames', item, tamper: cut })
  for (const sealed of [true, false]) {
    const { run, here, mine } = await setUp(t, { sealed, pieces: [framed] })
    const { code, stdout } = await run('fetch', '--identity', mine)
    t.match({ code, stdout }, { code: 4, stdout: /truncated .*core\.1\n/ }, 'the receipt knows nothing of it')
    const prefix = await here('root/var/crash/core.1')
    t.equal(prefix.length, 8 * 1024 * 1024, 'two whole frames')
    t.ok(prefix.equals(content.subarray(0, prefix.length)))
  }
  const receipt = { status: 'truncated', because: 'host', reason: 'the file shrank' } as const
  const { run, here, mine } = await setUp(t, { pieces: [corePiece(core, { receipt })] })
  t.match(await run('fetch', '--identity', mine), { code: 4, stdout: /the file shrank/ })
  t.ok((await here(`root${CORE_PATH}`)).equals(core))
})

t.test('of a damaged object every whole frame, at its place', async (t) => {
  const content = randomBytes(13_000_000)
  const frame = 4 * 1024 * 1024
  const tamper = (stored: Buffer) => stored.fill(0, frame + 100_000, frame + 105_000)
  const piece = corePiece(content, { encoding: 'frames', item: { path: '/var/crash/core.1', pid: 1 }, tamper })
  const { run, here } = await setUp(t, { sealed: false, pieces: [piece] })
  t.match(await run('fetch'), { code: 4, stdout: /each frame at its place/ })
  const restored = await here('root/var/crash/core.1.damaged')
  t.ok(restored.subarray(0, frame).equals(content.subarray(0, frame)))
  t.ok(restored.subarray(frame, 2 * frame).equals(Buffer.alloc(frame)), 'the hole')
  t.ok(restored.subarray(2 * frame).equals(content.subarray(2 * frame)))

  const sealed = await setUp(t, { pieces: [piece] })
  t.match(await sealed.run('fetch', '--identity', sealed.mine), { code: 4, stdout: /damaged .*core\.1\.damaged\n/ })
  const beginning = await sealed.here('root/var/crash/core.1.damaged')
  t.ok(beginning.equals(content.subarray(0, frame)), 'of a seal that is broken, what was authentic before')
})

t.test('a directory with something else in it is left alone', async (t) => {
  const { run, to, mine } = await setUp(t, { pieces: await pieces() })
  await mkdir(to)
  await writeFile(join(to, 'thesis.txt'), '')
  t.match(await run('fetch', '--identity', mine), { code: 1, stderr: /holds something already/ })
  t.strictSame(await filesBelow(to), ['thesis.txt'])
  const second = await setUp(t, { pieces: await pieces() })
  await mkdir(second.to)
  await writeFile(join(second.to, '.lastgasp-bundle'), 'web-7/20200101T000000Z-0000000000000000\n')
  t.match(await second.run('fetch', '--identity', second.mine), { code: 1, stderr: /holds another bundle/ })
})

t.test('symlinks in the directory are not followed', async (t) => {
  const { run, to, mine, name, directory } = await setUp(t, { pieces: await pieces() })
  await mkdir(join(directory, 'elsewhere'))
  await mkdir(to)
  await writeFile(join(to, '.lastgasp-bundle'), `${name.identity}/${name.bundle}\n`)
  await symlink(join(directory, 'elsewhere'), join(to, 'root'))
  await symlink(join(directory, 'elsewhere'), join(to, 'facts'))
  const { code, stdout } = await run('fetch', '--identity', mine)
  t.equal(code, 1)
  t.match(stdout, /is no directory/)
  t.strictSame(await readdir(join(directory, 'elsewhere')), [])
})
