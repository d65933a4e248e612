import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import t from 'tap'
import { bundlePrefix } from '../../agent/bundle/keys.ts'
import { syntheticCore } from '../collector/elf/synthetic-core.ts'
import { bareReceipt, corePiece, factsPiece } from '../operator/bundle/bundle.ts'
import { type Scene, setUp } from './set-up.ts'

const content = Buffer.concat([randomBytes(5_000_000), Buffer.alloc(1_000_000)])
const asIs = corePiece(zstdCompressSync(content))
const framed = { ...corePiece(content, { encoding: 'frames' }), artifact: 'cores/b.core.zst' }

interface Verified {
  artifact: string
  status: string
  checked: string[]
  reason?: string
}
async function verify(scene: Scene, ...args: string[]) {
  const { code, stdout } = await scene.run('verify', '-o', 'json', ...args)
  const { verified } = JSON.parse(stdout) as { verified: Verified[] }
  return { code, verified, status: verified.map(({ status }) => status) }
}

t.test('what is whole is checked in every way there is', async (t) => {
  const pieces = [await factsPiece(), asIs, framed]
  const scene = await setUp(t, { pieces })
  const opened = await verify(scene, '--identity', scene.mine)
  t.strictSame([opened.code, opened.status], [0, ['ok', 'ok', 'ok']])
  for (const { checked } of opened.verified) t.strictSame(checked, ['sha256', 'seal', 'frames'])
  const closed = await verify(scene)
  t.equal(closed.code, 0)
  for (const { checked } of closed.verified)
    t.strictSame(checked, ['sha256'], 'a seal is not looked into without a key')
  const plain = await verify(await setUp(t, { pieces, sealed: false }))
  for (const { checked } of plain.verified) t.strictSame(checked, ['sha256', 'frames'])
})

t.test('damage is found, sealed or not, with a key or without', async (t) => {
  const tamper = (stored: Buffer) => stored.fill(7, 1_000_000, 1_000_100)
  const pieces = [await factsPiece(), { ...asIs, tamper }, { ...framed, tamper }]
  for (const sealed of [true, false]) {
    const scene = await setUp(t, { pieces, sealed })
    const { code, status } = await verify(scene, '--identity', scene.mine)
    t.strictSame([code, status], [4, ['ok', 'damaged', 'damaged']])
    t.strictSame((await verify(scene)).status, ['ok', 'damaged', 'damaged'])
  }
})

t.test('what is inside is not what the receipt says', async (t) => {
  const scene = await setUp(t, { pieces: [{ ...framed, receipt: { bytesIn: 17 } }] })
  t.match(await verify(scene, '--identity', scene.mine), {
    code: 4,
    verified: [{ status: 'damaged', reason: /more than the 17 bytes that its receipt says/ }],
  })
})

t.test('a core that was cut on its host, whatever its receipt says', async (t) => {
  const core = syntheticCore({ bits: 32, loads: 300 })
  const cut = core.subarray(0, core.length - 1)
  const packed = (program: string, content: Buffer) => execFileSync(program, ['-c'], { input: content, stdio: 'pipe' })
  const of = (content: Buffer, suffix: string, more = {}) => ({
    ...corePiece(content, more),
    artifact: `cores/${suffix.replaceAll('.', '-')}.core${suffix.replace(/^.*(?=\.)/, '')}`,
  })
  const wholes = [
    of(core, 'framed.zst', { encoding: 'frames' }),
    of(packed('zstd', core), 'own.zst'),
    of(packed('lz4', core), 'lz4.lz4', { item: { unchecked: 'format' } }),
    of(packed('xz', core), 'xz.xz', { item: { unchecked: 'format' } }),
    of(zstdCompressSync(content), 'none.zst', { item: { unchecked: 'headers' } }),
  ]
  const whole = await verify(await setUp(t, { pieces: wholes, sealed: false }))
  t.match(whole, {
    code: 0,
    verified: [
      ...Array.from({ length: 4 }, () => ({
        status: 'ok',
        checked: ['sha256', 'frames', 'length'],
        reason: undefined,
      })),
      {
        status: 'ok',
        checked: ['sha256', 'frames'],
        reason: 'it may have been cut: it has no ELF headers that say how long it is',
      },
    ],
  })
  const cuts = [
    of(cut, 'framed.zst', { encoding: 'frames' }),
    of(packed('zstd', cut), 'own.zst'),
    of(packed('lz4', cut), 'lz4.lz4', { item: { unchecked: 'format' } }),
    of(packed('xz', cut), 'xz.xz', { item: { unchecked: 'format' } }),
    of(packed('xz', core).subarray(0, -50), 'broken.xz', { item: { unchecked: 'format' } }),
  ]
  const scene = await setUp(t, { pieces: cuts })
  const { code, verified } = await verify(scene, '--identity', scene.mine)
  t.equal(code, 4)
  const reason = /^it holds [\d.]+MiB of the [\d.]+MiB that its ELF headers promise$/
  t.match(verified, [
    ...Array.from({ length: 4 }, () => ({ status: 'truncated', checked: ['sha256'], reason })),
    { status: 'damaged', reason: /^xz cannot unpack all of it/ },
  ])
  const { PATH } = process.env
  t.teardown(() => Object.assign(process.env, { PATH }))
  process.env.PATH = join(scene.directory, 'no programs')
  t.match(await verify(scene, '--identity', scene.mine), {
    code: 4,
    verified: [
      ...[{ status: 'truncated' }, { status: 'truncated' }],
      {
        status: 'unchecked',
        checked: ['sha256', 'seal'],
        reason: 'it may have been cut: how it is compressed is not read on the host, and lz4 is not installed here',
      },
    ],
  })
  t.match(await scene.run('show'), { stdout: /it may have been cut: how it is compressed is not read on the host/ })
})

t.test('objects too short, missing, or unknown to the manifest', async (t) => {
  const cut = (stored: Buffer) => stored.subarray(0, stored.length - 1000)
  const scene = await setUp(t, { sealed: false, pieces: [await factsPiece(), { ...asIs, tamper: cut }, framed] })
  const place = join(scene.store, bundlePrefix(scene.name))
  await rm(join(place, 'cores/b.core.zst'))
  await writeFile(join(place, 'cores/stray.core.zst'), zstdCompressSync(content))
  const { code, verified } = await verify(scene)
  t.equal(code, 4)
  t.match(verified, [
    { artifact: 'facts.tar.zst', status: 'ok' },
    { artifact: 'cores/app.4711.core.zst', status: 'truncated' },
    { artifact: 'cores/b.core.zst', status: 'missing', reason: /is not in the store/ },
    { artifact: 'cores/stray.core.zst', status: 'unlisted', checked: ['frames'] },
  ])
})

t.test('of an interrupted bundle what has arrived', async (t) => {
  const scene = await setUp(t, { pieces: [await factsPiece(), framed], end: 'interrupted' })
  const { code, verified } = await verify(scene, '--identity', scene.mine)
  t.equal(code, 4)
  t.match(verified, [
    { artifact: 'cores/b.core.zst', status: 'ok', checked: ['seal', 'frames'] },
    { artifact: 'facts.tar.zst', status: 'ok', checked: ['seal', 'frames'] },
  ])
})

t.test('whole objects of an incomplete capture: the evidence is incomplete', async (t) => {
  const others = [bareReceipt('cores', 'failed', { because: 'host', reason: 'no permission' })]
  const scene = await setUp(t, { pieces: [await factsPiece()], others })
  t.match(await scene.run('verify'), { code: 4, stdout: /cores: failed: no permission/ })
})

t.test('a key that does not fit is an error, not damage', async (t) => {
  const scene = await setUp(t, { pieces: [asIs] })
  const { code, verified } = await verify(scene, '--identity', scene.other)
  t.match({ code, verified }, { code: 1, verified: [{ status: 'failed', reason: /none of yours/ }] })
})
