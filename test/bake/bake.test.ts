import { spawnSync } from 'node:child_process'
import { hash } from 'node:crypto'
import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { bake, unbake } from '../../scripts/image/bake.ts'
import { PINS } from '../../scripts/image/runtime-pin.ts'
import { cyclonedx } from './cyclonedx.ts'
import { ARCH, CHECKOUT, tinyCheckout, tinyImage, tree, write } from './tiny-image.ts'

const UNITS = 'usr/lib/systemd/system'
const read = (root: string, path: string) => readFileSync(join(root, path), 'utf8')
const forever = new AbortController().signal

const request = (root: string, checkout: string, settings: readonly string[] = []) => ({
  ...{ root, checkout, settings },
  arch: undefined,
})

t.test('puts everything in place, twice to the same end, and leaves no trace when removed', async (t) => {
  const root = tinyImage(t)
  const checkout = tinyCheckout(t)
  const before = tree(root)
  const baked = await bake(request(root, checkout), forever)
  const after = tree(root)
  t.match(baked, { version: '1.2.3', arch: ARCH, libraries: [], account: { uid: 997 } })
  t.equal(after['usr/lib/lastgasp/agent/main.js'], '644 one')
  t.match(after['usr/lib/lastgasp/bin/node'], /^755 /)
  t.match(after['usr/bin/lastgasp'], /^755 #!\/bin\/sh\nexec \/usr\/lib\/lastgasp\/bin\/node .*main\.js "\$@"\n$/)
  t.equal(after[`${UNITS}/sysinit.target.wants/lastgasp.service`], '-> ../lastgasp.service')
  t.equal(after[`${UNITS}/lastgasp.service.d/50-lastgasp.conf`], '-> /dev/null')
  const components = cyclonedx.parse(JSON.parse(read(root, 'usr/lib/lastgasp/sbom.cdx.json'))).components
  t.same(
    components.map(({ name }) => name),
    ['node', 'b', 'c'],
  )
  t.match(after['etc/passwd'], /\nlastgasp:x:997:997:[^\n]*\nlastgasp-collector:x:996:996:[^\n]*\n$/)
  for (const [path, was] of Object.entries(before)) {
    if (!/^etc\/(passwd|group|shadow)$/.test(path)) t.equal(after[path], was, path)
  }

  await bake(request(root, checkout), forever)
  t.same(tree(root), after)

  t.equal(await unbake(root), '1.2.3')
  t.same(tree(root), before)
  await t.rejects(unbake(root), /cannot remove lastgasp from .*: it has no usr\/lib\/lastgasp\/bake\.json/)
})

t.test('modes do not depend on the umask', async (t) => {
  const root = tinyImage(t)
  const checkout = tinyCheckout(t)
  const umask = process.umask(0o077)
  t.teardown(() => process.umask(umask))
  await bake(request(root, checkout), forever)
  t.equal(tree(root)['usr/lib/lastgasp'], 'directory 755')
  t.equal(tree(root)['usr/lib/lastgasp/agent/main.js'], '644 one')
})

t.test('an upgrade takes out what is no more, and a later removal still takes out all', async (t) => {
  const root = tinyImage(t)
  const before = tree(root)
  const old = `dist/${ARCH}/usr/lib/lastgasp/agent/old/gone.js`
  const checkout = tinyCheckout(t, { [old]: 'gone', 'site.toml': 'deadline = "5min"\n' })
  await bake(request(root, checkout, [join(checkout, 'site.toml')]), forever)
  t.ok(tree(root)['usr/lib/lastgasp/agent/old/gone.js'])
  rmSync(join(checkout, old))
  await bake(request(root, checkout), forever)
  const after = tree(root)
  t.notOk(after['usr/lib/lastgasp/agent/old/gone.js'])
  t.notOk(after['usr/lib/lastgasp/agent/old'])
  t.notOk(after['usr/lib/lastgasp/config.d/site.toml'])
  t.match(after[`${UNITS}/lastgasp.service.d/90-lastgasp.conf`], /TimeoutStopSec=100s/, 'back to the default')
  await unbake(root)
  t.same(tree(root), before)
})

t.test('files of others in our directories survive a removal', async (t) => {
  const root = tinyImage(t)
  await bake(request(root, tinyCheckout(t)), forever)
  write(root, { 'usr/lib/lastgasp/config.d/other.toml': '', [`${UNITS}/service.d/20-other.conf`]: '' })
  await unbake(root)
  const after = tree(root)
  t.ok(
    after['usr/lib/lastgasp/config.d/other.toml'] !== undefined &&
      after[`${UNITS}/service.d/20-other.conf`] !== undefined,
  )
  t.notOk(after[`${UNITS}/service.d/50-lastgasp.conf`])
})

t.test('stop timeouts follow the settings of the image, whoever wrote them', async (t) => {
  const root = tinyImage(t, { 'etc/lastgasp/config.d/50-site.toml': '[hold]\nwait = "2500ms"\n' })
  const checkout = tinyCheckout(t, { 'site.toml': 'store = "file:///var/lib/a%20b"\ndeadline = "3min"\n' })
  const { settings } = await bake(request(root, checkout, [join(checkout, 'site.toml')]), forever)
  t.equal(settings.deadline, 180_000)
  const daemon = tree(root)[`${UNITS}/lastgasp.service.d/90-lastgasp.conf`]
  t.match(daemon, /^TimeoutStopSec=190s$/m)
  t.match(daemon, /^Environment=LASTGASP_STOP_MS=190000$/m)
  t.match(daemon, /^ReadWritePaths=-"\/var\/lib\/a b"$/m)
  const hold = tree(root)[`${UNITS}/lastgasp-hold.service.d/90-lastgasp.conf`]
  t.match(hold, /^ExecStop=\nExecStop=\/usr\/bin\/flock --wait 2\.5 /m)
  t.match(hold, /^TimeoutStopSec=8s$/m)
})

t.test('links in the image lead where they lead in the image', async (t) => {
  const root = tinyImage(t, { 'usr/lib64/placeholder': '', bin: '-> /usr/bin', 'etc/lastgasp': '-> /opt/settings' })
  const outside = write(join(t.testdirName, 'outside'), { keep: '' })
  write(root, { [`opt${outside}/x`]: '', [`${UNITS}`]: `-> ${join('/opt', outside)}` })
  await bake(request(root, tinyCheckout(t)), forever)
  t.same(Object.keys(tree(outside)), ['keep'])
  t.ok(tree(root)[`opt${outside}/lastgasp.service`], 'units are below the root')
})

t.test('refuses what cannot work, before anything is changed', async (t) => {
  const root = tinyImage(t)
  const checkout = tinyCheckout(t, {
    'bad.toml': 'deadlin = "5min"\n',
    '10-defaults.toml': '',
    'site.json': '{}',
    'etc/passwd': '',
  })
  const before = tree(root)
  const refuses = async (reason: RegExp, change: Partial<ReturnType<typeof request>> | { arch: 'x64' | 'arm64' }) => {
    await t.rejects(bake({ ...request(root, checkout), ...change }, forever), { message: reason })
    t.same(tree(root), before)
  }
  const settings = (name: string) => ({ settings: [join(checkout, name)] })
  await refuses(/it has no usr\/lib\/systemd\/systemd: it must be the root of an image/, { root: checkout })
  await refuses(/cannot bake into .*none: it is no directory/, { root: join(root, 'none') })
  await refuses(/is an image for/, { arch: ARCH === 'x64' ? 'arm64' : 'x64' })
  await refuses(new RegExp(`: ${join(checkout, 'bad.toml')}:1:1: .*deadline`), settings('bad.toml'))
  await refuses(/cannot read the settings file .*none\.toml: it does not exist/, settings('none.toml'))
  await refuses(/cannot read the settings file .*: it is not a regular file/, settings(''))
  await refuses(/there is a file of this name already: rename it/, settings('10-defaults.toml'))
  await refuses(/its name must end in \.toml/, settings('site.json'))
  await refuses(/no-dist.*make it with: npm run build/, { checkout: join(checkout, 'no-dist') })
  await t.rejects(bake(request(root, checkout), AbortSignal.abort()))
  t.same(tree(root), before)

  const old = tinyImage(t, { 'usr/lib/systemd/libsystemd-shared-247.so': '' })
  await t.rejects(bake(request(old, checkout), forever), /its systemd is 247, and 250 or later is needed/)
  rmSync(join(old, 'usr/lib/systemd/libsystemd-shared-247.so'))
  rmSync(join(old, 'usr/bin/flock'))
  await t.rejects(bake(request(old, checkout), forever), /no usr\/bin\/flock: add the package util-linux/)
})

t.test('no runtime but the pinned one, or the one that the builder names', async (t) => {
  const root = tinyImage(t)
  const checkout = tinyCheckout(t)
  const node = join(checkout, `dist/${ARCH}/usr/lib/lastgasp/bin/node`)
  const pinned = hash('sha256', readFileSync(node))
  t.match((await bake(request(root, checkout), forever)).runtime, { sha256: pinned, pin: { proven: false } })
  const baked = tree(root)

  // A byte of its padding: it still runs.
  const other = readFileSync(node)
  other.writeUInt8(1, 15)
  writeFileSync(node, other)
  const found = hash('sha256', other)
  const refused = new RegExp(`its sha256 is ${found}, and scripts/image/runtime-pins.json pins ${pinned} .*Node 26`)
  await t.rejects(bake(request(root, checkout), forever), refused)
  await t.rejects(bake({ ...request(root, checkout), runtime: pinned }, forever), {
    message: new RegExp(`its sha256 is ${found}, and --runtime-sha256 names ${pinned}`),
  })
  t.same(tree(root), baked, 'nothing was changed')
  const own = await bake({ ...request(root, checkout), runtime: found }, forever)
  t.same(own.runtime, { sha256: found, pin: undefined })

  rmSync(join(checkout, PINS))
  await t.rejects(bake(request(root, checkout), forever), /cannot read the pinned runtimes, .*runtime-pins\.json: /)
})

t.test('a record that was tampered with removes nothing outside of the root', async (t) => {
  const root = tinyImage(t)
  await bake(request(root, tinyCheckout(t)), forever)
  const outside = write(join(t.testdirName, 'outside'), { keep: '' })
  const record = join(root, 'usr/lib/lastgasp/bake.json')
  const content = JSON.parse(readFileSync(record, 'utf8'))
  for (const path of [join(outside, 'keep'), '../outside/keep']) {
    writeFileSync(record, JSON.stringify({ ...content, files: [path] }))
    await t.rejects(unbake(root), /cannot read the record of an earlier bake/)
  }
  t.same(Object.keys(tree(outside)), ['keep'])
})

t.test('scripts/bake is the command', (t) => {
  const run = (...args: string[]) => spawnSync(join(CHECKOUT, 'scripts/bake'), args, { encoding: 'utf8' })
  t.match(run('--help'), { status: 0, stdout: /--root DIR/ })
  t.match(run(), { status: 2, stderr: /^cannot bake: no --root is named\n\nscripts\/bake --root/ })
  t.match(run('--root', t.testdirName, '--arch', 'mips'), { status: 2, stderr: /--arch is x64 or arm64/ })
  t.match(run('--root', t.testdir({})), { status: 1, stderr: /no usr\/lib\/systemd\/systemd/, stdout: '' })
  t.match(run('--root', '/x', '--runtime-sha256', 'abc'), { status: 2, stderr: /--runtime-sha256 wants 64 hex/ })
  t.match(run('--rooot', '/x'), { status: 2, stderr: /^cannot bake: Unknown option '--rooot'\n\nscripts/ })
  t.end()
})

t.test(
  'a directory that cannot be written is named',
  { skip: process.geteuid?.() === 0 && 'root writes anywhere' },
  async (t) => {
    const root = tinyImage(t)
    chmodSync(join(root, 'usr/bin'), 0o555)
    t.teardown(() => chmodSync(join(root, 'usr/bin'), 0o755))
    await t.rejects(bake(request(root, tinyCheckout(t)), forever), /cannot write .*usr\/bin\/lastgasp/)
  },
)

t.test('an environment file in the image is for root and the daemon', async (t) => {
  const path = 'etc/lastgasp/environment'
  const root = tinyImage(t, { [path]: 'AWS_REGION=eu-central-1\n' })
  const checkout = tinyCheckout(t)
  chmodSync(join(root, path), 0o644)
  await bake(request(root, checkout), forever)
  const { mode, uid, gid } = statSync(join(root, path))
  t.equal(mode & 0o777, 0o640)
  if (process.geteuid?.() === 0) t.strictSame([uid, gid], [0, 997])
  rmSync(join(root, path))
  write(root, { 'etc/other': '', [path]: '-> ../other' })
  chmodSync(join(root, 'etc/other'), 0o644)
  await bake(request(root, checkout), forever)
  t.equal(statSync(join(root, 'etc/other')).mode & 0o777, 0o644, 'where a link leads is left alone')
})
