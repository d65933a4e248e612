import { spawnSync } from 'node:child_process'
import { createHash, hash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { CutError, plain } from '../../agent/frames/decode.ts'
import { blocksAtOnce, frames } from '../../agent/frames/encode.ts'
import { ZEROS } from '../../agent/frames/zeros.ts'
import type { Lease } from '../../agent/streams/lease.ts'
import { Pool } from '../../agent/streams/pool.ts'
import { allTaken, lent, taken } from '../streams/poisoned.ts'
import { bytesOf, inPieces, lines, noise, prefixOf, thenThrow } from './streams.ts'

const { signal } = new AbortController()
const BLOCK = 4 * 1024 * 1024
const noZstd = spawnSync('zstd', ['--version']).error ? 'the zstd program is not installed' : false

/** SHA-256 of the SHA-256 of each frame's content. */
function digestOf(content: Buffer): string {
  const all = createHash('sha256')
  for (let at = 0; at < content.length; at += BLOCK)
    all.update(hash('sha256', content.subarray(at, at + BLOCK), 'buffer'))
  return all.digest('hex')
}

const half = Buffer.concat([noise(3 * BLOCK, 1), lines(BLOCK)])
const sizes = [0, 1, 100, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7]

t.test('zstd opens what is written, at every odd size', { skip: noZstd }, async (t) => {
  const dir = t.testdir()
  for (const size of sizes) {
    const content = half.subarray(half.length - size)
    const file = `${dir}/${size}.zst`
    const framing = frames(lent(inPieces(content, 1_234_567)), {}, signal)
    const stored = await bytesOf(framing.stored)
    writeFileSync(file, stored)
    t.equal(spawnSync('zstd', ['-tq', file]).status, 0, `zstd -t, ${size} bytes`)
    const back = spawnSync('zstd', ['-dcq', file], { maxBuffer: 2 ** 26 })
    t.ok(back.stdout.equals(content), `zstd -d, ${size} bytes`)
    const list = spawnSync('zstd', ['-lv', file]).stdout.toString()
    const frameCount = Math.ceil(size / BLOCK)
    t.match(list, `# Zstandard Frames: ${frameCount}`)
    t.match(list, `# Skippable Frames: ${frameCount + 2}`)
    if (size > 0) t.match(list, `(${size} B)`, 'zstd knows the size: every frame names its own')
    if (size > 0) t.match(list, 'Check: XXH64', 'every frame has a checksum')
    t.strictSame(framing.summary(), {
      plainBytes: size,
      storedBytes: stored.length,
      frames: frameCount,
      sha256: digestOf(content),
    })
  }
})

t.test('zeros, as they come and as holes', { skip: noZstd }, async (t) => {
  const content = Buffer.concat([Buffer.alloc(2 * BLOCK), noise(BLOCK, 4), Buffer.alloc(BLOCK), Buffer.alloc(7)])
  async function* holes() {
    yield* [ZEROS, ZEROS, content.subarray(2 * BLOCK, 3 * BLOCK), ZEROS, content.subarray(4 * BLOCK)]
  }
  const framing = frames(lent(holes()), {}, signal)
  const stored = await bytesOf(framing.stored)
  t.ok(stored.length < BLOCK + 100_000, `${stored.length} bytes`)
  t.match(framing.summary(), { plainBytes: content.length, frames: 5, sha256: digestOf(content) })
  t.ok(
    stored.equals(await bytesOf(frames(lent(inPieces(content, 65_537)), {}, signal).stored)),
    'no other than zeros that were read',
  )
  const file = t.testdir({ 'holes.zst': stored })
  const back = spawnSync('zstd', ['-dcq', `${file}/holes.zst`], { maxBuffer: 2 ** 26 })
  t.ok(back.stdout.equals(content))
  const chunks = await Array.fromAsync(plain(inPieces(stored, 1_000_000), signal))
  t.ok(Buffer.concat(chunks).equals(content))
  t.strictSame(
    chunks.map((chunk) => chunk === ZEROS),
    [true, true, false, true, false],
    'known without a look at their bytes',
  )
  const frame = stored.indexOf(Buffer.from('28b52ffd', 'hex'))
  for (const at of [frame + 30, frame + 149]) {
    const damaged = Buffer.from(stored)
    damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at)
    t.match((await prefixOf(plain(inPieces(damaged, 1_000_000), signal))).error, { name: 'DamageError' })
  }
})

t.test('the size of the chunks leaves no trace', async (t) => {
  const content = half.subarray(half.length - BLOCK - 4321)
  const whole = await bytesOf(frames(lent(inPieces(content, BLOCK)), {}, signal).stored)
  for (const size of [4093, 65_536, BLOCK - 1, BLOCK + 1, 3 * BLOCK]) {
    t.ok(whole.equals(await bytesOf(frames(lent(inPieces(content, size)), {}, signal).stored)), `chunks of ${size}`)
  }
})

t.test('memory goes round', async (t) => {
  const content = Buffer.concat([half, half, half, noise(99, 3)])
  using pool = new Pool(BLOCK, blocksAtOnce() + 1)
  const own = new Set<ArrayBufferLike>()
  async function* source(): AsyncGenerator<Lease, void, void> {
    for (let at = 0; at < content.length; at += BLOCK) {
      const { bytes, release } = await pool.lease(signal)
      own.add(bytes.buffer)
      yield { bytes: bytes.subarray(0, content.copy(bytes, 0, at)), release }
    }
  }
  const stored: Buffer[] = []
  const memory = new Set<ArrayBufferLike>()
  for await (const { bytes, release } of frames(source(), {}, signal).stored) {
    stored.push(Buffer.concat([bytes]))
    memory.add(bytes.buffer)
    release()
  }
  t.ok((await bytesOf(plain(inPieces(Buffer.concat(stored), 100_000), signal))).equals(content))
  t.ok(own.size <= blocksAtOnce() + 1, `${own.size} chunks for ${content.length / BLOCK} blocks`)
  const freed = [...memory].filter((buffer) => (buffer as ArrayBuffer).detached)
  t.ok(freed.length >= 5, `${freed.length} of zlib's buffers of 4 MiB were freed, for 36 MiB that do not shrink`)
})

t.test('a block goes back as soon as it is compressed, one that was read too late at once', async (t) => {
  const out = new Set<number>()
  let read = 0
  async function* source(): AsyncGenerator<Lease, void, void> {
    for (let nth = 0; nth < 9; nth++) {
      read += 1
      out.add(nth)
      await setTimeout(1)
      yield { bytes: lines(BLOCK), release: () => void out.delete(nth) }
    }
  }
  const stored = frames(source(), { blocks: 2 }, signal).stored[Symbol.asyncIterator]()
  await stored.next()
  for (let turn = 0; turn < 1000 && (read < 3 || out.size > 0); turn += 1) await setTimeout(10)
  t.same([...out], [], 'three are compressed, and none of their frames is released')
  await stored.next()
  await stored.next()
  await stored.return?.()
  for (let turn = 0; turn < 1000 && out.size > 0; turn += 1) await setTimeout(10)
  t.same([...out], [])
})

t.test('a chunk that is no block is copied, and goes back before the next is asked for', async (t) => {
  let out = 0
  async function* source(): AsyncGenerator<Lease, void, void> {
    for await (const { bytes, release } of lent(inPieces(half, BLOCK / 2))) {
      t.equal(out++, 0)
      const back = () => {
        out--
        release()
      }
      yield { bytes, release: back }
    }
    t.equal(out, 0)
  }
  const stored = await bytesOf(frames(source(), {}, signal).stored)
  t.ok((await bytesOf(plain(inPieces(stored, 100_000), signal))).equals(half))
})

t.test('as many blocks at once as there are processors, and two, as far as there is memory', async (t) => {
  t.same([1, 2, 3, 4, 64].map(blocksAtOnce), [3, 4, 5, 5, 5])
})

t.test('level and number of blocks change nothing for the reader', async (t) => {
  const content = lines(2 * BLOCK + 5)
  for (const options of [{ level: 3 }, { blocks: 1 }, { level: 9, blocks: 8 }]) {
    const stored = frames(lent(inPieces(content, BLOCK)), options, signal).stored
    t.ok((await bytesOf(plain(allTaken(stored), signal))).equals(content), JSON.stringify(options))
  }
})

t.test('a source that fails: all that was read is stored, then its error', async (t) => {
  const content = lines(2 * BLOCK + 99)
  const failure = new Error('cannot read /var/crash/it: because of an I/O error')
  const { bytes, error } = await prefixOf(frames(lent(thenThrow(content, BLOCK, failure)), {}, signal).stored)
  t.equal(error, failure)
  const decoded = await prefixOf(plain(inPieces(bytes, 65_536), signal))
  t.ok(decoded.bytes.equals(content))
  t.ok(decoded.error instanceof CutError)
})

t.test('what is compressed is not kept back by a source that hangs, and abort ends the wait', async (t) => {
  const aborting = new AbortController()
  async function* hanging(): AsyncGenerator<Buffer, void, void> {
    yield lines(BLOCK)
    await new Promise(() => {})
  }
  const stored = frames(lent(hanging()), {}, aborting.signal).stored[Symbol.asyncIterator]()
  const first = [await stored.next(), await stored.next()]
  t.strictSame(
    first.map(({ done }) => done),
    [false, false],
    'marker and frame',
  )
  const waiting = stored.next()
  aborting.abort(new Error('the deadline'))
  await t.rejects(waiting, { message: 'the deadline' })
})

t.test('an empty chunk: what was read leaves without waiting for more', async (t) => {
  const { promise: more, resolve } = Promise.withResolvers<void>()
  const content = lines(BLOCK + 99)
  async function* slow() {
    yield content.subarray(0, 77)
    yield Buffer.alloc(0)
    yield Buffer.alloc(0)
    await more
    yield content.subarray(77)
  }
  const framing = frames(lent(slow()), {}, signal)
  const stored = framing.stored[Symbol.asyncIterator]()
  const first = [await stored.next(), await stored.next()].map(({ value }) => taken(value))
  const begun = await prefixOf(plain(inPieces(Buffer.concat(first), 100), signal))
  t.ok(begun.bytes.equals(content.subarray(0, 77)))
  resolve()
  const rest = await bytesOf({ [Symbol.asyncIterator]: () => stored })
  t.ok((await bytesOf(plain(inPieces(Buffer.concat([...first, rest]), 65_536), signal))).equals(content))
  t.equal(framing.summary().frames, 3, 'an empty chunk is no frame of its own')
})

t.test('memory: no more blocks are read than may be in flight', async (t) => {
  let read = 0
  async function* counting(): AsyncGenerator<Buffer, void, void> {
    while (read < 20) {
      read += 1
      yield lines(BLOCK)
    }
  }
  const stored = frames(lent(counting()), { blocks: 2 }, signal).stored[Symbol.asyncIterator]()
  await stored.next()
  for (let turn = 0; turn < 1000 && read < 3; turn += 1) await setTimeout(10)
  for (let turn = 0; turn < 20; turn += 1) await setTimeout(1)
  t.equal(read, 3, 'one given out and two in flight')
  await stored.return?.()
})

t.test('a consumer that stops early stops the source', async (t) => {
  let closed = false
  async function* source(): AsyncGenerator<Buffer, void, void> {
    try {
      while (true) yield lines(BLOCK)
    } finally {
      closed = true
    }
  }
  for await (const _ of frames(lent(source()), {}, signal).stored) break
  for (let turn = 0; turn < 1000 && !closed; turn += 1) await setTimeout(5)
  t.ok(closed)
})
