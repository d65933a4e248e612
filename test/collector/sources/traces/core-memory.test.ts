import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { openRegular } from '../../../../agent/collector/host/open-file.ts'
import { memoryOf, type Wanted } from '../../../../agent/collector/sources/traces/core-memory.ts'
import { unhurried } from '../../reading.ts'

/** A core's content: each byte tells its place. */
const CONTENT = Buffer.from(Array.from({ length: 3 * 1024 * 1024 }, (_, at) => (at * 7 + (at >> 8)) & 0xff))
/** In the file they lie in another order than in memory, as in cores of ours. */
const MEMORY = [
  { start: 0x500000, stored: 0x1000, offset: 0x1000 },
  { start: 0x100000, stored: 0x100000, offset: 0x10000 },
  { start: 0x200000, stored: 0x80000, offset: 0x200000 },
]

async function read(t: Test, suffix: '' | '.zst', wanted: readonly Wanted[], content = CONTENT) {
  const path = join(t.testdir({}), 'core')
  writeFileSync(path, suffix === '' ? content : zstdCompressSync(content))
  const file = await openRegular(path, unhurried())
  using _ = file.handle
  const pieces = await memoryOf(file, suffix, { memory: MEMORY }, wanted, unhurried())
  return pieces.map(({ start, bytes }) => {
    const part = MEMORY.find((one) => start >= one.start && start < one.start + one.stored)
    const at = start - (part?.start ?? 0) + (part?.offset ?? 0)
    t.ok(bytes.equals(content.subarray(at, at + bytes.length)), `${start.toString(16)} is what lies there`)
    return [start, bytes.length]
  })
}

for (const suffix of ['', '.zst'] as const) {
  t.test(`memory of a core ${suffix === '' ? 'as it is' : 'that is compressed'}`, async (t) => {
    const wanted = [
      { start: 0x500800, length: 0x10000 },
      { start: 0x1ff000, length: 0x2000 },
      { start: 0x1ff800, length: 0x100 },
      { start: 0x100010, length: 0x20 },
      { start: 0x300000, length: 0x1000 },
    ]
    t.strictSame(await read(t, suffix, wanted), [
      ...[
        [0x500800, 0x800],
        [0x100010, 0x20],
        [0x1ff000, 0x1000],
        [0x200000, 0x1000],
      ],
    ])
    t.strictSame(await read(t, suffix, []), [])
  })

  t.test(`what is there of one that was cut${suffix}`, async (t) => {
    const wanted = [{ start: 0x100000, length: 0x100000 }]
    t.strictSame(await read(t, suffix, wanted, CONTENT.subarray(0, 0x20000)), [[0x100000, 0x10000]])
  })
}

t.test('very many stretches in very much memory are found at once', async (t) => {
  const memory = Array.from({ length: 60_000 }, (_, n) => ({ start: n * 0x2000, stored: 0x1000, offset: n * 0x1000 }))
  const wanted = Array.from({ length: 3_000 }, (_, n) => ({ start: n * 0x4000, length: 0x10 }))
  const file = await openRegular(join(t.testdir({ core: 'x' }), 'core'), unhurried())
  using _ = file.handle
  t.strictSame(await memoryOf(file, '', { memory }, wanted, unhurried()), [{ start: 0, bytes: Buffer.from('x') }])
})
