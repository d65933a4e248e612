import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import t from 'tap'
import { bundlePrefix, newBundle, rowKey } from '../../agent/bundle/keys.ts'
import { bareReceipt, buildBundle, corePiece, factsPiece, type Piece } from '../operator/bundle/bundle.ts'
import { lastgasp } from './lastgasp.ts'
import { setUp } from './set-up.ts'

const core = zstdCompressSync(Buffer.from('a core'))

t.test('the verdict first, then what is there, then how to look at it', async (t) => {
  const limit = bareReceipt('journal', 'skipped', { because: 'limit', reason: '3 older files: journal.limit' })
  const scene = await setUp(t, { pieces: [await factsPiece(), corePiece(core)], others: [limit] })
  const { code, stdout } = await scene.run('show')
  t.equal(code, 0, 'what a setting left out is not missing')
  const lines = stdout.split('\n')
  t.match(lines[0], /^complete {2}web-7, 20\d\d-.* UTC, poweroff$/)
  t.equal(lines[1], 'crashed  /usr/bin/app of app.service by SIGSEGV, pid 4711, 2025-10-12 03:00:00 UTC')
  t.match(stdout, /complete +2KiB +\d+B +12ms +facts\.tar\.zst\n/)
  t.match(stdout, 'took 4s of 90s')
  t.match(stdout, /settings have it\n {2}journal: skipped: 3 older files/)
  t.match(stdout, `lastgasp fetch ${scene.name.bundle} --identity IDENTITY_FILE --store file://`)
  t.notMatch(stdout, 'journalctl', 'which has nothing to read here')
})

t.test("a user's word for a crash comes after the host's", async (t) => {
  const claimed = bareReceipt('cores', 'truncated', {
    ...{ artifact: 'cores/core.forged.zst', because: 'host', reason: 'it is no core' },
    item: {
      path: '/var/crash/core.forged',
      uid: 1000,
      claimed: true,
      comm: 'nginx',
      signal: 6,
      pid: 1,
      at: Date.now(),
    },
  })
  const scene = await setUp(t, { pieces: [corePiece(core)], others: [claimed] })
  const lines = (await scene.run('show')).stdout.split('\n')
  t.match(lines[1], /^crashed {2}\/usr\/bin\/app of app\.service by SIGSEGV, pid 4711, [-0-9: ]+ UTC$/)
  t.match(
    lines[2],
    /^crashed {2}nginx by SIGABRT, pid 1, [-0-9: ]+ UTC, as user 1000 says; its core is not here: truncated$/,
  )
  const [row] = JSON.parse((await lastgasp(['list', '-o', 'json', '--store', scene.url])).stdout)
  t.equal(JSON.stringify(row).includes('nginx'), false, 'nor is it what the bundle is listed with')
})

t.test('every way to name a bundle', async (t) => {
  const scene = await setUp(t, { sealed: false, pieces: [] })
  const older = newBundle('web-7', Date.now() - 26 * 3_600_000)
  const other = newBundle('db-1', Date.now() - 25 * 3_600_000)
  for (const name of [older, other]) await buildBundle({ store: scene.store, name })
  const found = async (reference: string) => {
    const { code, stdout } = await lastgasp(['show', reference, '-o', 'json', '--store', scene.url])
    return code === 0 || code === 4 ? JSON.parse(stdout).bundle : code
  }
  t.equal(await found('latest'), scene.name.bundle)
  t.equal(await found('web-7/latest'), scene.name.bundle)
  t.equal(await found('db-1/latest'), other.bundle)
  t.equal(await found(older.bundle), older.bundle)
  t.equal(await found(older.bundle.slice(0, 20)), older.bundle)
  t.equal(await found(`db-1/${other.bundle.slice(0, 4)}`), other.bundle)
  t.equal(await found(older.bundle.slice(0, 4)), 2, 'several')
  t.equal(await found(`db-1/${older.bundle}`), 3, 'of another host')
  for (const none of ['19990101', 'mail-1/latest', 'nonsense', '../..', 'a/b/c', ''])
    t.equal(await found(none), 3, none)
  await rm(join(scene.store, 'v1/index'), { recursive: true })
  t.equal(await found(`web-7/${older.bundle}`), older.bundle, 'a host’s bundles are found without the index')
})

t.test('a bundle has one status, however it is named', async (t) => {
  const { name, url } = await setUp(t, { sealed: false, pieces: [await factsPiece()] })
  for (const reference of ['latest', 'web-7/latest', name.bundle, `web-7/${name.bundle}`]) {
    for (const command of ['show', 'verify']) {
      const told = JSON.parse((await lastgasp([command, reference, '-o', 'json', '--store', url])).stdout)
      t.match(told, { ...name, status: 'complete' }, `${command} ${reference}`)
      t.notOk('state' in told, `${command} ${reference}`)
    }
  }
})

t.test('what is missing, and why', async (t) => {
  const others = [
    bareReceipt('cores', 'skipped', { because: 'seal', reason: 'class memory is closed: no recipients' }),
    bareReceipt('journal', 'failed', { because: 'host', reason: 'no journal directory' }),
  ]
  const unseen = [{ place: 'the journal', why: 'is not there' }] as const
  const scene = await setUp(t, { sealed: false, pieces: [await factsPiece()], others, unseen })
  const { code, stdout } = await scene.run('show')
  t.equal(code, 4)
  t.match(stdout, /^unknown {2}Whether anything had crashed is not known: the journal is not there\.$/m)
  t.match(
    stdout,
    'Missing\n  cores: skipped: class memory is closed: no recipients\n  journal: failed: no journal directory\n',
  )

  await rm(join(scene.store, bundlePrefix(scene.name), 'facts.tar.zst'))
  t.match((await scene.run('show')).stdout, 'facts.tar.zst: lost: its object facts.tar.zst is not in the store')
})

t.test('a host where nothing crashed', async (t) => {
  const others = [bareReceipt('cores', 'absent', { reason: 'nothing crashed' })]
  const scene = await setUp(t, { sealed: false, pieces: [await factsPiece()], others })
  t.match(await scene.run('show'), { code: 0, stdout: /^healthy {2}Nothing had crashed\.$/m })
})

t.test('what died in a pod is called by the pod; a shutdown that was cancelled is said to be', async (t) => {
  const id = 'c'.repeat(64)
  const place = {
    unit: `cri-containerd-${id}.scope`,
    container: id,
    pod: 'shop-1',
    namespace: 'web',
    containerName: 'app',
  }
  const piece = corePiece(core)
  const scene = await setUp(t, { sealed: false, pieces: [{ ...piece, item: { ...piece.item, ...place } }] })
  const { stdout } = await scene.run('show')
  t.match(stdout, /^crashed {2}\/usr\/bin\/app of app in pod web\/shop-1 by SIGSEGV, pid 4711,/m)
  t.match(stdout, /cores\/\S+: app in pod web\/shop-1/)
  t.match(JSON.parse((await scene.run('show', '-o', 'json')).stdout).findings, [{ subject: place }])

  const manifest = { shutdown: { kind: 'unknown', cancelled: true } } as const
  const cancelled = await setUp(t, { sealed: false, pieces: [await factsPiece()], manifest })
  const told = (await cancelled.run('show')).stdout
  t.match(told, /^complete {2}web-7, .* UTC, cancelled$/m)
  t.match(told, /trigger +shutdown: announced, and cancelled: the host did not go down/)
})

/** A plan of these artifacts, as a host would have stored it. */
const planOf = (bundle: string, artifacts: readonly object[]) => ({
  ...{ version: 1, bundle, rates: { read: 1, store: 1 } },
  artifacts: artifacts.map((one) => ({
    ...{ source: 'cores', class: 'memory', phase: 'stored', decision: 'take', limit: 9, bytes: 9 },
    ...{ estimate: { bytesStored: 3 * 1024 ** 2, ms: 9 }, ...one },
  })),
})

t.test('an interrupted bundle: what was planned, and what of it has arrived', async (t) => {
  // Whole: what they lack is said at their end.
  const facts = await factsPiece({ 'summary.txt': 'it was the disk\n', 'errors.txt': '' })
  const scene = await setUp(t, { sealed: false, pieces: [facts], end: 'interrupted' })
  const plan = planOf(scene.name.bundle, [
    { artifact: 'facts.tar.zst', source: 'facts', estimate: { bytesStored: 1024, ms: 1 } },
    { artifact: 'cores/app.1.core.zst' },
    { artifact: 'cores/app.2.core.zst', decision: 'skip', reason: 'no time for 4GiB' },
  ])
  await writeFile(join(scene.store, bundlePrefix(scene.name), 'plan.json'), JSON.stringify(plan))
  const { code, stdout } = await scene.run('show')
  t.equal(code, 4)
  t.match(stdout, /^interrupted {2}web-7/)
  t.match(stdout, /^1 of 2 artifacts arrived, \d+B of some 3MiB; it had until 20[-0-9]+ [0-9:]+ UTC$/m)
  t.match(stdout, /^STATUS +STORED +EXPECTED +ARTIFACT\narrived +\d+B +1KiB +facts\.tar\.zst\n/m)
  t.match(stdout, /^missing +3MiB +cores\/app\.1\.core\.zst\nskipped +cores\/app\.2\.core\.zst: no time for 4GiB\n/m)
  t.match(stdout, /Missing\n {2}manifest\.json: missing: the host was gone before its capture ended\n\n/)
  const fetched = await scene.run('fetch')
  t.match(fetched, { code: 4, stdout: /complete .*facts\n/ })
  t.match(fetched.stdout, 'cores/app.1.core.zst: missing: the host was gone before its capture ended')
  t.match(await scene.here('facts/summary.txt'), /disk/)
})

t.test('a row without a manifest is told', async (t) => {
  const scene = await setUp(t, { sealed: false, pieces: [await factsPiece()], end: 'interrupted' })
  t.notMatch((await scene.run('show')).stdout, 'its row says')
  await writeFile(join(scene.store, rowKey(scene.name, 'complete', 'healthy')), '{}')
  t.match(await scene.run('show'), {
    code: 4,
    stdout: /^interrupted .*index: not to be believed: its row says complete/s,
  })
})

t.test('twenty libraries are one row, in every table', async (t) => {
  const library = (i: number): Piece => {
    const [name, buildId] = [`libodd${i}.so.1`, `ab${10 + i}`]
    const item = { path: `/opt/shop/lib/x86_64-linux-gnu/${name}`, buildId }
    const details = { source: 'executables', comm: 'shop', pid: 12 } as const
    const artifact = `executables/${buildId}/${name}.zst`
    return { artifact, source: 'executables', content: Buffer.alloc(1000), encoding: 'frames', item, details }
  }
  const scene = await setUp(t, { sealed: false, pieces: Array.from({ length: 20 }, (_, i) => library(i)) })
  const row = /^(complete|ok) .*20 libraries: libodd0\.so\.1, libodd1\.so\.1 and 18 more$/m
  for (const command of ['show', 'fetch', 'verify']) {
    const { stdout } = await scene.run(command)
    t.match(stdout, row, command)
    t.notMatch(stdout, 'libodd7', command)
  }
})

t.test('for scripts: everything that was read', async (t) => {
  const scene = await setUp(t, { pieces: [corePiece(core)] })
  const { stdout } = await scene.run('show', '-o', 'json')
  t.match(JSON.parse(stdout), {
    identity: 'web-7',
    bundle: scene.name.bundle,
    status: 'complete',
    incomplete: false,
    crashes: [{ program: '/usr/bin/app', signal: 'SIGSEGV', unit: 'app.service', pid: 4711, at: 1760238000000 }],
    opening: { trigger: 'shutdown' },
    manifest: { receipts: [{ artifact: 'cores/app.4711.core.zst' }] },
    objects: [{ name: 'cores/app.4711.core.zst.age' }, { name: 'manifest.json' }, { name: 'opening.json' }],
  })
})
