import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import t from 'tap'
import { frames } from '../../agent/frames/encode.ts'
import { FRAME_BYTES } from '../../agent/frames/marker.ts'
import { bytesOf } from '../frames/streams.ts'
import { corePiece } from '../operator/bundle/bundle.ts'
import { lent } from '../streams/poisoned.ts'
import { attack, bomb, corePieceOf, fetchedSize, GIB, MIB } from './attack.ts'

t.test('193 KiB that would be 4 GiB on disk', async (t) => {
  const stored = bomb(4 * GIB)
  t.ok(stored.length < 300_000)
  const pieces = [corePieceOf('told', stored, 4 * GIB), corePieceOf('untold', stored, undefined)]
  const { scene, run } = await attack(t, { pieces })
  const fetched = await run('fetch', '--identity', scene.mine)
  t.match(fetched, {
    code: 4,
    stdout: /refused .*told\.core\n +it holds 4GiB, and .*: --max-size 4GiB takes all of it/,
  })
  t.match(fetched.stdout, /refused .*untold\.core\n +it holds more than 512MiB, and /)
  const { disk, content } = await fetchedSize(scene)
  t.ok(disk < MIB && content < MIB, `${disk} bytes are left on disk`)
  const verified = await run('verify', '--identity', scene.mine)
  t.match(verified, { code: 4, stdout: /refused .*told\.core/ })
})

t.test('zeros count, though they take no disk; whoever wants them says so', async (t) => {
  async function* zeros() {
    for (let at = 0; at < 600 * MIB; at += FRAME_BYTES) yield Buffer.alloc(FRAME_BYTES)
  }
  const stored = await bytesOf(frames(lent(zeros()), {}, new AbortController().signal).stored)
  const { scene, run } = await attack(t, { sealed: false, pieces: [corePieceOf('sparse', stored, 600 * MIB)] })
  t.match(await run('fetch'), { code: 4, stdout: /it holds 600MiB, .*--max-size 1GiB takes all of it/ })
  t.match(await run('fetch', '--max-size', '1GiB'), { code: 0, stdout: /complete +600MiB/ })
  t.equal((await stat(join(scene.to, 'live/sparse.core'))).blocks, 0)
  t.match(await run('fetch', '--max-size', 'much'), { code: 2, stderr: /cannot use --max-size: expected a size/ })
})

t.test('many, each of which is small enough', async (t) => {
  const stored = bomb(100 * MIB)
  const pieces = Array.from({ length: 40 }, (_, i) => corePieceOf(String(i), stored, undefined))
  const { scene, run } = await attack(t, { sealed: false, pieces })
  const { code, stdout } = await run('fetch', '--max-size', '256MiB')
  t.equal(code, 4)
  t.match(stdout, /refused +\d+ more, for the same reason/)
  t.ok((await fetchedSize(scene)).content < 300 * MIB)
})

t.test('a core that systemd-coredump is said to have compressed', async (t) => {
  const stored = zstdCompressSync(Buffer.alloc(100 * MIB))
  const pieces = [corePiece(stored)]
  const { run } = await attack(t, { sealed: false, pieces })
  t.match(await run('verify', '--max-size', '64MiB'), {
    code: 4,
    stdout: /refused .*\n +it holds more than 64MiB, and/,
  })
  t.match(await run('fetch'), { code: 0 }, 'as it is stored it is no larger')
})
