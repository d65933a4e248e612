import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, open, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { bundlePrefix, newBundle } from '../../agent/bundle/keys.ts'
import { generateIdentity, recipientOf, secretText } from '../../agent/seal/keys.ts'
import { s3Store } from '../../agent/store/s3/store.ts'
import { faultyProxy } from '../faulty-proxy.ts'
import { buildBundle, CORE_PATH, corePiece } from '../operator/bundle/bundle.ts'
import { startS3Server } from '../s3-server.ts'
import { MAIN } from './lastgasp.ts'
import { type Scene, setUp } from './set-up.ts'

const MIB = 1024 * 1024
const core = randomBytes(3 * MIB + 12_345)
const PART = `root${CORE_PATH}.part`
const server = await startS3Server()
const skip = typeof server === 'string' && server

/** Leaves in the scene's directory what a broken fetch would have left of the core. */
async function leave(scene: Scene, part: Buffer, name = PART): Promise<void> {
  const path = join(scene.to, name)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(join(scene.to, '.lastgasp-bundle'), `${scene.name.identity}/${scene.name.bundle}\n`)
  await writeFile(path, part)
}

/** Spoils bytes of the stored core, so that whoever reads them again finds damage. */
async function spoil(scene: Scene, name: string, at: number): Promise<void> {
  await using file = await open(join(scene.store, bundlePrefix(scene.name), name), 'r+')
  await file.write(Buffer.alloc(100), 0, 100, at)
}

t.test('what is here of an unsealed core is not read again, and is checked with the rest', async (t) => {
  const scene = await setUp(t, { sealed: false, pieces: [corePiece(core)] })
  await leave(scene, core.subarray(0, 2 * MIB + 1))
  await spoil(scene, 'cores/app.4711.core.zst', MIB)
  const { code, stderr } = await scene.run('fetch')
  t.equal(code, 0, stderr)
  t.match(stderr, '(2MiB of it were here)')
  t.ok((await scene.here(`root${CORE_PATH}`)).equals(core))
  await t.rejects(stat(join(scene.to, PART)))
})

t.test('what is here of a sealed core is sealed again to check the whole', async (t) => {
  for (const length of [1, 65_536, 2 * MIB + 77, core.length - 1, core.length]) {
    const scene = await setUp(t, { pieces: [corePiece(core)] })
    await leave(scene, core.subarray(0, length))
    // The first chunk lies behind a header of some 200 bytes.
    if (length >= 65_536) await spoil(scene, 'cores/app.4711.core.zst.age', 10_000)
    const { code, stdout } = await scene.run('fetch', '--identity', scene.mine)
    t.equal(code, 0, `${length}: ${stdout}`)
    t.ok((await scene.here(`root${CORE_PATH}`)).equals(core))
  }
})

t.test('all of a sealed core is here, and its last chunk is a full one', async (t) => {
  const whole = core.subarray(0, 2 * MIB)
  const scene = await setUp(t, { pieces: [corePiece(whole)] })
  await leave(scene, whole)
  const { code, stdout } = await scene.run('fetch', '--identity', scene.mine)
  t.equal(code, 0, stdout)
  t.ok((await scene.here(`root${CORE_PATH}`)).equals(whole))
})

t.test('what is here of frames is not read again either', async (t) => {
  const scene = await setUp(t, { sealed: false, pieces: [corePiece(core, { encoding: 'frames' })] })
  const stored = await readFile(join(scene.store, bundlePrefix(scene.name), 'cores/app.4711.core.zst'))
  await leave(scene, stored.subarray(0, MIB), `root${CORE_PATH}.zst.part`)
  await spoil(scene, 'cores/app.4711.core.zst', 1000)
  const { code, stderr } = await scene.run('fetch')
  t.equal(code, 0, stderr)
  t.ok((await scene.here(`root${CORE_PATH}`)).equals(core))
  t.strictSame(await readdir(dirname(join(scene.to, PART))), [CORE_PATH.split('/').at(-1)], 'nothing else is left')
})

t.test('what is here and wrong is thrown away', async (t) => {
  for (const sealed of [true, false]) {
    const scene = await setUp(t, { sealed, pieces: [corePiece(core)] })
    await leave(scene, randomBytes(2 * MIB))
    const { code, stdout } = await scene.run('fetch', '--identity', scene.mine)
    t.equal(code, 0, stdout)
    t.ok((await scene.here(`root${CORE_PATH}`)).equals(core))
    const longer = await setUp(t, { sealed, pieces: [corePiece(core)] })
    await leave(longer, randomBytes(core.length + 5))
    t.equal((await longer.run('fetch', '--identity', longer.mine)).code, 0, 'longer than it should be')
    t.ok((await longer.here(`root${CORE_PATH}`)).equals(core))
  }
})

t.test('a store that has something else than the receipt says is found out', async (t) => {
  for (const sealed of [true, false]) {
    const scene = await setUp(t, { sealed, pieces: [corePiece(core)] })
    await spoil(scene, sealed ? 'cores/app.4711.core.zst.age' : 'cores/app.4711.core.zst', MIB)
    t.match(await scene.run('fetch', '--identity', scene.mine), { code: 4, stdout: /damaged/ })
    const there = await readdir(dirname(join(scene.to, PART)))
    t.strictSame(there, [`${CORE_PATH.split('/').at(-1)}.damaged`], 'and does not pass for the core')
  }
})

t.test('Ctrl-C in a download from S3, and again', { skip }, async (t) => {
  if (typeof server === 'string') return
  t.teardown(() => server[Symbol.asyncDispose]())
  await server.makeBucket('bundles')
  await using store = await s3Store({ scheme: 's3', bucket: 'bundles', prefix: '' }, server.settings)
  await using proxy = await faultyProxy(server.endpoint)
  const identity = generateIdentity()
  const directory = t.testdir({ 'key.txt': `${secretText(identity)}\n` })
  const name = newBundle('web-7', Date.now())
  await buildBundle({ store, name, recipients: [recipientOf(identity).text], pieces: [corePiece(core)] })
  proxy.on(/^GET .*core\.zst\.age/, { kind: 'stall-answer', after: 2 * MIB }, 1)

  const start = (): ChildProcess & { stdout: NodeJS.ReadableStream; stderr: NodeJS.ReadableStream } => {
    const settings = [`endpoint=${proxy.endpoint}`, `region=${server.settings.region}`, 'addressing=path']
    const options = ['--to', join(directory, 'to'), '--identity', join(directory, 'key.txt'), '--store', 's3://bundles']
    const args = [MAIN, 'fetch', 'latest', ...options, ...settings.flatMap((one) => ['--set', `s3.${one}`])]
    return spawn(process.execPath, args, { env: process.env, stdio: ['ignore', 'pipe', 'pipe'] })
  }
  const broken = start()
  const part = join(directory, 'to', PART)
  const arrived = async () => (await stat(part).catch(() => undefined))?.size ?? 0
  while (broken.exitCode === null && (await arrived()) < MIB) await sleep(50)
  broken.kill('SIGINT')
  const [said, [code]] = await Promise.all([text(broken.stderr), once(broken, 'close')])
  t.strictSame({ code, said }, { code: 130, said: 'lastgasp: interrupted by SIGINT\n' })

  const again = start()
  const [saidThen, [codeThen]] = await Promise.all([text(again.stderr), once(again, 'close')])
  t.equal(codeThen, 0, saidThen)
  t.match(saidThen, /cores\/app\.4711\.core\.zst: 3\.01MiB \([1-9].*MiB of it were here\)/)
  t.ok((await readFile(join(directory, 'to', `root${CORE_PATH}`))).equals(core))
})
