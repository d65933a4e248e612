import { execFileSync, spawnSync } from 'node:child_process'
import { chmod, chown, mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import t from 'tap'
import { pack } from 'tar-stream'
import { corePiece, type Piece, tarPiece } from '../operator/bundle/bundle.ts'
import { lastgasp } from './lastgasp.ts'
import { filesBelow, setUp } from './set-up.ts'

const noGit = spawnSync('git', ['--version']).error !== undefined && 'no git'
const notRoot = process.geteuid?.() !== 0 && 'only root can give a directory to somebody else'
const SOMEBODY = 12345

/** What makes a directory a bare repository for git, whose configuration names a program. */
const REPOSITORY: Readonly<Record<string, string>> = {
  HEAD: 'ref: refs/heads/main\n',
  config: '[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = .\n\tfsmonitor = "touch pwned; false"\n',
  'objects/x': '',
  'refs/x': '',
}

const loose = (artifact: string, text: string, path?: string): Piece => ({
  ...corePiece(Buffer.from(text)),
  artifact,
  item: path === undefined ? {} : { path },
})

t.test('no directory of a bundle is a repository whose programs git runs', { skip: noGit }, async (t) => {
  const tar = pack()
  for (const [name, text] of Object.entries(REPOSITORY)) {
    for (const below of ['', '.git/', 'deep/.git/']) tar.entry({ name: below + name }, text)
  }
  tar.finalize()
  const pieces = Object.entries(REPOSITORY).flatMap(([name, text]) => [
    ...['', '.git/', 'live/', 'cores/', 'root/', 'facts/.git/'].map((below) => loose(below + name, text)),
    ...['/', '/.git/', '/srv/x.git/'].map((below) => loose(`cores${below}_/${name}`, text, below + name)),
  ])
  for (const sealed of [false, true]) {
    const scene = await setUp(t, { sealed, pieces: [...pieces, tarPiece(await buffer(tar))] })
    await scene.run('fetch', '-o', 'json')
    const below = await readdir(scene.to, { recursive: true, withFileTypes: true })
    const folders = below.filter((entry) => entry.isDirectory()).map(({ parentPath, name }) => join(parentPath, name))
    t.ok(folders.length > 10, 'what was refused elsewhere is below other/')
    const env = { PATH: process.env.PATH, HOME: scene.directory, GIT_CEILING_DIRECTORIES: scene.directory }
    const known = [scene.to, ...folders].filter(
      (cwd) => spawnSync('git', ['rev-parse', '--git-dir'], { cwd, env }).status === 0,
    )
    t.strictSame(known, [])
    for (const cwd of known) spawnSync('git', ['status'], { cwd, env })
    const names = below.map(({ name }) => name)
    t.notOk(names.includes('pwned'))
    t.strictSame(
      names.filter((name) => name.startsWith('.') && name !== '.lastgasp-bundle'),
      [],
    )
  }
})

t.test('what programs heed where one stands in a directory is not heeded', async (t) => {
  const names = ['.gdbinit', '.lldbinit', '.envrc', '.crashrc', '.env', '_FOSSIL_', 'mise.toml', 'readline.py']
  const pieces = names.flatMap((name) => [loose(name, 'x'), loose(`cores/${name}`, 'x', `/home/${name}`)])
  const scene = await setUp(t, { sealed: false, pieces })
  t.equal((await scene.run('fetch')).code, 0)
  const files = (await filesBelow(scene.to)).filter((file) => !file.startsWith('other/'))
  t.strictSame(
    files.filter((file) => names.some((name) => file.endsWith(`/${name}`) && !file.startsWith('root/home/r'))),
    [],
  )
  t.ok(files.includes('root/home/%2egdbinit'))
  t.strictSame(
    (await readdir(scene.to)).sort(),
    ['.lastgasp-bundle', 'manifest.json', 'opening.json', 'other', 'root'],
    'nothing else stands beside the documents',
  )
})

t.test('what is fetched is for nobody else, whatever the umask', async (t) => {
  const core = { ...loose('cores/x', 'x'), item: { path: '/var/crash/x', pid: 1 } }
  const scene = await setUp(t, { sealed: false, pieces: [core] })
  const umask = process.umask(0)
  t.teardown(() => process.umask(umask))
  await mkdir(scene.to)
  await chmod(scene.to, 0o755)
  t.equal((await scene.run('fetch')).code, 0)
  const modes = async (names: string[]) =>
    Promise.all(names.map(async (name) => ((await stat(join(scene.to, name))).mode & 0o777).toString(8)))
  t.strictSame(await modes(['.', 'root', 'root/var', 'root/var/crash', 'open']), Array(5).fill('700'))
  t.strictSame(await modes(['.lastgasp-bundle', 'manifest.json', 'root/var/crash/x']), Array(3).fill('600'))
})

t.test('nothing is fetched to where others may write', async (t) => {
  const scene = await setUp(t, { sealed: false, pieces: [loose('cores/x', 'x')] })
  const at = (name: string) => join(scene.directory, name)
  const fetchTo = (to: string) => lastgasp(['fetch', 'latest', '--store', scene.url, '--to', at(to)])
  await mkdir(at('open'))
  await chmod(at('open'), 0o777)
  t.match(await fetchTo('open'), { code: 1, stderr: /cannot fetch into .*open: others may write in it; chmod 700 it/ })
  t.match(await fetchTo('open/below/it'), { code: 1, stderr: /open is above it, and others may write in it; .*--to/ })
  await chmod(at('open'), 0o1777)
  t.equal((await fetchTo('open/mine')).code, 0, 'as in /tmp')
  await chmod(at('open/mine'), 0o770)
  t.match(await fetchTo('open/mine'), { code: 1, stderr: /others may write in it/ }, 'with its mark, too')
  await mkdir(at('elsewhere'))
  await symlink(at('elsewhere'), at('link'))
  t.match(await fetchTo('link'), { code: 1, stderr: /it is a symbolic link/ })
  t.equal((await fetchTo('link/below')).code, 0)
  t.ok((await readdir(at('elsewhere/below'))).includes('manifest.json'))
})

t.test('nor to what belongs to somebody else', { skip: notRoot }, async (t) => {
  const scene = await setUp(t, { sealed: false, pieces: [loose('cores/x', 'x')] })
  const at = (name: string) => join(scene.directory, name)
  await mkdir(at('theirs/deep'), { recursive: true })
  await chown(at('theirs'), SOMEBODY, SOMEBODY)
  const theirs = new RegExp(`belongs to the user ${SOMEBODY}`)
  for (const to of ['theirs', 'theirs/new', 'theirs/deep/new'])
    t.match(await lastgasp(['fetch', 'latest', '--store', scene.url, '--to', at(to)]), { code: 1, stderr: theirs }, to)
  t.strictSame(await readdir(at('theirs/deep')), [])
  await mkdir(at('shared'))
  await chown(at('shared'), 0, SOMEBODY)
  await chmod(at('shared'), 0o775)
  const ofGroup = await lastgasp(['fetch', 'latest', '--store', scene.url, '--to', at('shared/new')])
  t.match(ofGroup, { code: 1, stderr: /shared is above it, and others may write in it/ })
})

t.test(
  'a directory that was made for the bundle and is not ours any more is not written to',
  { skip: notRoot },
  async (t) => {
    const scene = await setUp(t, { sealed: false, pieces: [loose('cores/x', 'x', '/var/crash/x')] })
    await mkdir(join(scene.to, 'root'), { recursive: true })
    await writeFile(join(scene.to, '.lastgasp-bundle'), `${scene.name.identity}/${scene.name.bundle}\n`)
    await chown(join(scene.to, 'root'), SOMEBODY, SOMEBODY)
    t.match(await scene.run('fetch'), { code: 1, stdout: /belongs to the user 12345/ })
  },
)

t.test('zstd, lz4 and xz decompress what lands by the command that is printed', async (t) => {
  for (const [program, suffix] of [['zstd', 'zst'] as const, ['lz4', 'lz4'] as const, ['xz', 'xz'] as const]) {
    if (spawnSync(program, ['--version']).error !== undefined) continue
    const packed = execFileSync(program, ['-c'], { input: 'a core' })
    const artifact = `cores/x.1.core.${suffix}`
    const item = { path: `/var/lib/systemd/coredump/-x.${suffix}`, pid: 1, signal: 11 }
    const scene = await setUp(t, { sealed: false, pieces: [{ ...corePiece(packed), artifact, item }] })
    const { steps } = JSON.parse((await scene.run('fetch', '-o', 'json')).stdout)
    const command = steps
      .map((step: { command: string }) => step.command)
      .find((line: string) => line.startsWith(program))
    execFileSync('bash', ['-c', command], { cwd: scene.to, stdio: 'pipe' })
    t.equal(String(await scene.here('open/cores/x.1.core')), 'a core', command)
  }
})
