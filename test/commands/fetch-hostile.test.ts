import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { zstdCompressSync } from 'node:zlib'
import t from 'tap'
import { pack } from 'tar-stream'
import { bundlePrefix } from '../../agent/bundle/keys.ts'
import type { Receipt } from '../../agent/bundle/schema.ts'
import { corePiece, factsPiece, type Piece, tarPiece } from '../operator/bundle/bundle.ts'
import { filesBelow, type Scene, setUp } from './set-up.ts'

const core = randomBytes(100_000)
const piece = (artifact: string, receipt: Partial<Receipt>): Piece => ({ ...corePiece(core), artifact, receipt })

/** Files in the scene's directory that are neither the store's nor where they belong. */
const strays = async ({ directory }: Scene) =>
  (await filesBelow(directory)).filter((file) => !/^(store\/|to\/|mine\.txt$|other\.txt$)/.test(file))

interface Fetched {
  artifact: string
  status: string
  path: string
  reason?: string
}
const fetched = (stdout: string): Fetched[] => JSON.parse(stdout).fetched

t.test('no path of a manifest leads out of the directory', async (t) => {
  const paths = ['/../../../evil', '/var/../../../evil', 'evil', '/', '//evil', '/a\0b', `/${'x'.repeat(300)}`]
  const pieces = paths.map((path, i) => piece(`cores/${i}.core.zst`, { item: { path } }))
  const scene = await setUp(t, { sealed: false, pieces })
  const { code, stdout } = await scene.run('fetch', '-o', 'json')
  t.equal(code, 0, 'the evidence is here all the same')
  const places = fetched(stdout).map(({ path }) => path)
  t.strictSame(
    places,
    paths.map((_, i) => `cores/${i}.core.zst`),
  )
  t.strictSame(await strays(scene), [])
})

t.test('no name of an artifact leads out of the directory, or on top of what is ours', async (t) => {
  const ours = ['manifest.json', 'plan.json/x', 'root/etc/passwd', 'facts', 'open/confine.py', 'live/x.gdb', 'x/y']
  const names = ['../evil', '/evil', 'a/../../evil', ...ours]
  const pieces = names.map((artifact, i) => {
    const { receipt: _, ...plain } = piece(`cores/${i}.core.zst`, {})
    return { ...plain, item: {}, receipt: { artifact } }
  })
  const scene = await setUp(t, { sealed: false, pieces })
  const { code, stdout } = await scene.run('fetch', '-o', 'json')
  t.equal(code, 1)
  const results = fetched(stdout)
  t.strictSame(
    results.slice(0, 4).map(({ status }) => status),
    ['failed', 'failed', 'failed', 'complete'],
  )
  t.match(results[0]?.reason, 'its name has a ".." in it')
  const places = results.map(({ path }) => path.replace(/^other\/\d+\//, 'other/N/'))
  t.strictSame(
    places,
    names.map((name) => `other/N/${name}`),
  )
  t.match(JSON.parse(String(await scene.here('manifest.json'))), { bundle: scene.name.bundle })
  t.strictSame(await strays(scene), [])
})

t.test('no object of another bundle is read', async (t) => {
  const sha256 = '0'.repeat(64)
  const object = (name: string, bytes = 6) => ({ objects: [{ name, bytes, sha256 }] })
  const pieces = [
    piece('a', object('../../secret/x')),
    piece('b', object('/etc/hostname')),
    piece('c', object('opening.json')),
    piece('d', object('d', Number.MAX_SAFE_INTEGER)),
    piece('e', { objects: [...object('e', 1).objects, ...object('e', 1).objects] }),
    piece('f', object('e', 1)),
  ]
  const scene = await setUp(t, { sealed: false, pieces })
  const { code, stdout } = await scene.run('fetch', '-o', 'json')
  t.equal(code, 4)
  const [a, b, c, d, , f] = fetched(stdout)
  t.match(a, { status: 'missing', reason: /\.\./ })
  t.match(b, { status: 'missing', reason: /absolute/ })
  t.match(c, { status: 'missing', reason: /belongs to something else/ })
  t.match(d, { status: 'truncated', reason: /has 100000 bytes, and its receipt says 9007199254740991/ })
  t.match(f, { status: 'missing', reason: /belongs to something else/ })
})

t.test('two artifacts of one place: both are here', async (t) => {
  const item = { path: '/var/crash/core' }
  const scene = await setUp(t, { sealed: false, pieces: [piece('cores/a', { item }), piece('cores/b', { item })] })
  const { stdout } = await scene.run('fetch', '-o', 'json')
  const [a, b] = fetched(stdout)
  t.match(a, { status: 'complete', path: 'root/var/crash/core' })
  t.match(b, { status: 'complete', path: /^other\/\d+\/cores\/b$/ })
  t.ok((await scene.here(b?.path ?? '')).equals(core))
})

t.test('a tar is unpacked into its directory and nowhere else', async (t) => {
  const tar = pack()
  tar.entry({ name: 'first.txt' }, 'one')
  tar.entry({ name: '../evil' }, 'x')
  tar.entry({ name: '/evil' }, 'x')
  tar.entry({ name: 'link', type: 'symlink', linkname: '../..' })
  tar.entry({ name: 'link/evil' }, 'x')
  tar.entry({ name: 'hard', type: 'link', linkname: '../opening.json' })
  tar.entry({ name: 'null', type: 'character-device' })
  tar.entry({ name: 'pipe', type: 'fifo' })
  tar.entry({ name: './last.txt' }, 'two')
  tar.finalize()
  const scene = await setUp(t, { sealed: false, pieces: [tarPiece(await buffer(tar))] })
  const { code, stdout } = await scene.run('fetch', '-o', 'json')
  t.equal(code, 4)
  t.match(fetched(stdout)[0], { status: 'truncated', reason: /left out: .*evil.*; and 3 more/ })
  const below = (await filesBelow(join(scene.to, 'facts'))).sort()
  t.strictSame(below, ['first.txt', 'last.txt', 'link/evil'], 'a link is not made, and so leads nowhere')
  t.strictSame(await strays(scene), [])
})

t.test('a tar that ends early gives what it holds', async (t) => {
  const whole = (await factsPiece({ 'summary.txt': 'all of it', 'big.txt': 'x'.repeat(50_000) })).content
  const scene = await setUp(t, { sealed: false, pieces: [tarPiece(whole.subarray(0, 30_000))] })
  t.match(await scene.run('fetch'), { code: 4, stdout: /truncated .*facts\n +cannot unpack all of it/ })
  t.equal(String(await scene.here('facts/summary.txt')), 'all of it')
  const garbage = await setUp(t, { sealed: false, pieces: [tarPiece(randomBytes(5000))] })
  t.match(await garbage.run('fetch'), { code: 4, stdout: /cannot unpack all of it/ })
})

t.test('what decompresses to more than its receipt says is not decompressed', async (t) => {
  const bomb = { ...corePiece(Buffer.alloc(30_000_000)), encoding: 'frames' as const, receipt: { bytesIn: 1000 } }
  const scene = await setUp(t, { sealed: false, pieces: [bomb, { ...(await factsPiece()), receipt: { bytesIn: 5 } }] })
  const { code, stdout } = await scene.run('fetch', '-o', 'json')
  t.equal(code, 4)
  t.match(fetched(stdout), [
    { status: 'refused', reason: /more than the 1000 bytes that its receipt says/ },
    { status: 'truncated', reason: /more than the 5 bytes/ },
  ])
  t.strictSame(
    (await filesBelow(join(scene.to, 'root'))).filter((file) => !file.endsWith('.zst.part')),
    [],
  )
  const absurd = { ...bomb, receipt: { bytesIn: Number.MAX_SAFE_INTEGER } }
  const other = await setUp(t, { sealed: false, pieces: [absurd] })
  t.match(await other.run('fetch'), { code: 4, stdout: /refused .*\n +it holds 8192TiB, and what a bundle becomes/ })
})

t.test('a manifest that is none: what arrived is fetched, and the fault is told', async (t) => {
  const prefix = (scene: Scene) => join(scene.store, bundlePrefix(scene.name))
  const manifests = {
    'not JSON': '{"version":1,',
    'not UTF-8': Buffer.from([0x22, 0xff, 0x22]),
    'wrong types': '{"version":1,"receipts":"none"}',
    'another version': '{"version":2}',
    empty: '',
  }
  for (const [what, text] of Object.entries(manifests)) {
    const scene = await setUp(t, { pieces: [await factsPiece()] })
    await writeFile(join(prefix(scene), 'manifest.json'), text)
    const { code, stdout } = await scene.run('fetch', '--identity', scene.mine)
    t.equal(code, 4, what)
    t.match(stdout, /documents: unreadable: cannot read .*manifest\.json/)
    t.equal(String(await scene.here('facts/summary.txt')), 'it was the disk\n')
    t.equal((await scene.run('show')).code, 4)
  }
  const copied = await setUp(t, { pieces: [await factsPiece()], manifest: { identity: 'other-host' } })
  t.match(await copied.run('show'), { code: 4, stdout: /it is of another bundle/ })
})

t.test('ten thousand receipts', async (t) => {
  const others = Array.from({ length: 10_000 }, (_, i): Receipt => {
    const nothing = { item: { pid: i, signal: 11 }, sealed: false, bytesIn: 0, bytesStored: 0, objects: [], ms: 0 }
    return {
      artifact: `cores/${i}.core.zst`,
      class: 'memory',
      source: 'cores',
      status: 'skipped',
      because: 'deadline',
      reason: 'no time',
      ...nothing,
    }
  })
  const scene = await setUp(t, { sealed: false, pieces: [await factsPiece()], others })
  const { code, stdout } = await scene.run('show')
  t.equal(code, 4)
  t.match(stdout, 'and 28 more')
  t.match(stdout, 'cores/9999.core.zst: skipped: no time')
  t.equal((await scene.run('fetch')).code, 4)
})

t.test('a host cannot write on the terminal of who looks', async (t) => {
  const evil = '\x1b]0;owned\x07\x1b[2J\n'
  const item = { exe: `/bin/${evil}`, unit: evil, comm: evil, note: evil, signal: 11, pid: 1, path: `/var/${evil}` }
  const problems = {
    problems: [evil],
    host: { name: evil, kernel: evil, os: evil, arch: evil },
    shutdown: { kind: 'poweroff' as const, by: evil },
  }
  const scene = await setUp(t, {
    sealed: false,
    pieces: [
      {
        ...corePiece(zstdCompressSync(core)),
        ...{ item, details: { source: 'live', missed: [evil] }, receipt: { artifact: `cores/${evil}.zst` } },
      },
    ],
    manifest: problems,
  })
  for (const command of ['show', 'fetch', 'verify']) {
    const { stdout, stderr, code } = await scene.run(command)
    t.equal(code, 0, stderr)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    t.notMatch(stdout + stderr, /[\x00-\x09\x0b-\x1f\x7f]/, command)
    t.match(stdout, '\\u{1b}', `${command} shows them for what they are`)
  }
})

t.test('a FIFO or a hard link in the place of a file is not written to', async (t) => {
  const scene = await setUp(t, { sealed: false, pieces: [piece('cores/a', { item: {} })] })
  await mkdir(join(scene.to, 'cores'), { recursive: true })
  await writeFile(join(scene.to, '.lastgasp-bundle'), `${scene.name.identity}/${scene.name.bundle}\n`)
  execFileSync('mkfifo', [join(scene.to, 'cores/a.part')])
  t.match(await scene.run('fetch'), { code: 1, stdout: /something else than a file of its own is there/ })
})
