import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import zlib from 'node:zlib'
import t from 'tap'
import { CutError, DamageError, plain } from '../../agent/frames/decode.ts'
import { frames } from '../../agent/frames/encode.ts'
import { lent } from '../streams/poisoned.ts'
import { bytesOf, inPieces, lines, noise, prefixOf, thenThrow } from './streams.ts'

const { signal } = new AbortController()
const BLOCK = 4 * 1024 * 1024
const MARKER = 44
const noZstd = spawnSync('zstd', ['--version']).error ? 'the zstd program is not installed' : false

const store = (content: Buffer) => bytesOf(frames(lent(inPieces(content, BLOCK)), {}, signal).stored)
const decode = (stored: Buffer, size = 65_536) => prefixOf(plain(inPieces(stored, size), signal))

t.test('what is written comes back, in pieces of any size', async (t) => {
  for (const size of [0, 1, BLOCK, 2 * BLOCK + 7]) {
    const content = lines(size)
    const stored = await store(content)
    for (const pieces of [7919, 65_536, stored.length]) {
      const { bytes, error } = await decode(stored, pieces)
      t.equal(error, undefined)
      t.ok(bytes.equals(content), `${size} bytes in pieces of ${pieces}`)
    }
  }
})

t.test('cut anywhere: all frames that are whole, then CutError', async (t) => {
  const content = lines(2 * BLOCK + 1000)
  const stored = await store(content)
  const ends: number[] = []
  for (let at = 0; stored.readUInt32LE(at) === 0x184d2a5c; ) {
    at += MARKER + stored.readUInt32LE(at + 40)
    ends.push(at)
  }
  t.equal(ends.length, 3)
  const digestEnd = (ends[2] as number) + 64
  const cuts = [0, 1, 3, 4, 8, 19, 20, MARKER - 1, MARKER, MARKER + 1, MARKER + 9]
  for (const end of [...ends, digestEnd]) cuts.push(end - 1, end, end + 1, end + 4, end + 20, end + MARKER)
  cuts.push(stored.length - 9, stored.length - 1)
  for (const cut of new Set(cuts.filter((cut) => cut < stored.length))) {
    const { bytes, error } = await decode(stored.subarray(0, cut))
    const whole = Math.min(content.length, ends.filter((end) => end <= cut).length * BLOCK)
    t.ok(bytes.equals(content.subarray(0, whole)), `cut at ${cut}: ${whole} bytes`)
    t.ok(error instanceof CutError, `cut at ${cut}: ${error}`)
    t.match(error, { plainBytes: whole, contentWhole: cut >= digestEnd })
  }
})

t.test('not a byte can change unnoticed', async (t) => {
  const content = Buffer.concat([lines(300), noise(200, 3)])
  const stored = await store(content)
  const frameEnd = MARKER + stored.readUInt32LE(40)
  let noticed = 0
  for (let at = 0; at < stored.length; at += 1) {
    for (const flip of [0x01, 0x0c, 0xff]) {
      const damaged = Buffer.from(stored)
      damaged[at] = (damaged[at] as number) ^ flip
      const { bytes, error } = await decode(damaged)
      if (!content.subarray(0, bytes.length).equals(bytes)) t.fail(`wrong content, byte ${at} ^ ${flip}`)
      if (error instanceof DamageError || error instanceof CutError) noticed += 1
      // A compressed block may have bits that say nothing; then the content is right all the same.
      else if (error !== undefined || at < MARKER || at >= frameEnd) t.fail(`byte ${at} ^ ${flip}: ${error}`)
    }
  }
  t.ok(noticed > 2.9 * stored.length, `${noticed} of ${3 * stored.length}`)
})

t.test('damage in the middle: everything before, and where to look on', async (t) => {
  const content = lines(3 * BLOCK)
  const stored = await store(content)
  const second = MARKER + stored.readUInt32LE(40)
  const damaged = Buffer.from(stored)
  damaged.writeUInt8((damaged.readUInt8(second + 5000) ^ 0xff) & 0xff, second + 5000)
  const { bytes, error } = await decode(damaged)
  t.ok(bytes.equals(content.subarray(0, BLOCK)))
  t.match(error, { name: 'DamageError', plainBytes: BLOCK, storedOffset: second })
  t.match(error, { message: new RegExp(`stored at byte ${second}: `) })
})

t.test('frames that do not belong together', async (t) => {
  const stored = await store(lines(2 * BLOCK))
  const second = MARKER + stored.readUInt32LE(40)
  const end = second + MARKER + stored.readUInt32LE(second + 40)
  const without = Buffer.concat([stored.subarray(0, second), stored.subarray(end)])
  t.match((await decode(without)).error, { message: /does not match its digest/ })
  t.match((await decode(stored.subarray(second))).error, { message: /belongs to another place/ })
  t.match((await decode(Buffer.concat([stored, Buffer.from('x')]))).error, { message: /behind the seek table/ })
  const padded = Buffer.concat([stored.subarray(0, second), Buffer.from('abc'), stored.subarray(second)])
  padded.writeUInt32LE(second - MARKER + 3, 40)
  t.match((await decode(padded)).error, { message: /the frame is shorter than its marker says/ })
  const newer = Buffer.from(stored)
  newer.writeUInt32LE(2, 16)
  t.match((await decode(newer)).error, { message: /version 2 .* reads version 1/ })
})

t.test('an error of the source comes through, after what is whole', async (t) => {
  const content = lines(2 * BLOCK)
  const stored = await store(content)
  const failure = new Error('cannot read the object: because the connection was reset')
  const broken = thenThrow(stored.subarray(0, stored.length - 200), 5000, failure)
  const { bytes, error } = await prefixOf(plain(broken, signal))
  t.equal(error, failure)
  t.ok(bytes.equals(content.subarray(0, BLOCK)))
})

t.test('ordinary zstd files, as systemd-coredump writes them', { skip: noZstd }, async (t) => {
  const content = Buffer.concat([lines(700_000), noise(300_000, 5), Buffer.alloc(5_000_000)])
  const one = spawnSync('zstd', ['-qc'], { input: content, maxBuffer: 2 ** 26 }).stdout
  t.ok((await decode(one)).bytes.equals(content), 'one frame')
  const two = await decode(Buffer.concat([one, one]), 9999)
  t.equal(two.error, undefined)
  t.ok(two.bytes.equals(Buffer.concat([content, content])), 'two frames')
  const boundary = await prefixOf(
    plain(
      (async function* () {
        yield one
        yield one
      })(),
      signal,
    ),
  )
  t.ok(boundary.bytes.equals(Buffer.concat([content, content])), 'two frames, each in a chunk of its own')

  const half = await decode(one.subarray(0, one.length >> 1))
  t.ok(half.error instanceof CutError, `cut: ${half.error}`)
  t.ok(half.bytes.length > 100_000 && half.bytes.equals(content.subarray(0, half.bytes.length)), 'its prefix')
  t.match(half.error, { plainBytes: half.bytes.length, contentWhole: false })

  // Its one checksum is at its end, so what the damaged block gave before is not known to be wrong until then.
  const damaged = Buffer.from(one).fill(0xff, one.length - 250_000, one.length - 1000)
  const broken = await decode(damaged)
  t.ok(broken.error instanceof DamageError, `damaged: ${broken.error}`)
  t.ok(broken.bytes.length >= 131_072, `what was decoded before: ${broken.bytes.length}`)
  t.ok(broken.bytes.subarray(0, 131_072).equals(content.subarray(0, 131_072)))

  const longer = await decode(Buffer.concat([one, Buffer.from('and more')]))
  t.ok(longer.bytes.equals(content))
  t.match(longer.error, { name: 'DamageError', message: /8 bytes behind its end/ })
})

t.test('what is no zstd file', async (t) => {
  t.ok((await decode(Buffer.alloc(0))).error instanceof CutError, 'nothing')
  t.ok((await decode(Buffer.from('{"not": "zstd"}'))).error instanceof DamageError, 'JSON')
  t.ok((await decode(zlib.gzipSync('x'))).error instanceof DamageError, 'gzip')
})

t.test('abort ends a decoding that waits', async (t) => {
  for (const start of [Buffer.alloc(0), zlib.zstdCompressSync(noise(100_000, 9)).subarray(0, 50_000)]) {
    const aborting = new AbortController()
    async function* hanging(): AsyncGenerator<Buffer, void, void> {
      yield start
      await new Promise(() => {})
    }
    const reading = prefixOf(plain(hanging(), aborting.signal))
    setImmediate(() => aborting.abort(new Error('enough')))
    t.match((await reading).error, { message: 'enough' })
  }
})

t.test('a file of version 1', async (t) => {
  const golden = readFileSync(new URL('../fixtures/frames/v1.zst', import.meta.url))
  const content = lines(BLOCK + 100)
  t.ok((await bytesOf(plain(inPieces(golden, 1000), signal))).equals(content))
  // The format byte by byte, as FRAMES.md has it: everything but the zstd frames themselves.
  const stored = await store(content)
  for (const file of [golden, stored]) {
    const first = file.readUInt32LE(40)
    const second = MARKER + first
    const digest = second + MARKER + file.readUInt32LE(second + 40)
    t.equal(
      file.toString('hex', 0, 40),
      '5c2a4d18240000006c6173746761737001000000000040000000000000000000' + '0000000000000000',
    )
    t.equal(
      file.toString('hex', second, second + 32),
      '5c2a4d18240000006c61737467617370010000006400000000004000' + '00000000',
    )
    t.equal(Number(file.readBigUInt64LE(second + 32)), second)
    t.equal(
      file.toString('hex', digest, digest + 32),
      '5d2a4d18380000006c61737467617370010000000200000064004000' + '00000000',
    )
    const table = file.subarray(digest + 64)
    t.equal(table.toString('hex', 0, 8), '5e2a4d1831000000')
    t.equal(table.toString('hex', 8, 24), `2c00000000000000${hex32(first)}00004000`)
    t.equal(table.toString('hex', 40), '4000000000000000' + '0500000000b1ea928f')
  }
})

function hex32(value: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes.toString('hex')
}
