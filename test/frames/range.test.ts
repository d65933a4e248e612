import zlib from 'node:zlib'
import t from 'tap'
import { frames } from '../../agent/frames/encode.ts'
import { formatDigest, formatMarker, type Marker } from '../../agent/frames/marker.ts'
import { frameAt, plainRange, readPlaces } from '../../agent/frames/range.ts'
import { formatSeekTable } from '../../agent/frames/seek-table.ts'
import { lent } from '../streams/poisoned.ts'
import { bytesOf, inPieces, lines, readerOf } from './streams.ts'

const { signal } = new AbortController()
const BLOCK = 4 * 1024 * 1024

t.test('any part, and no more than the frames that hold it', async (t) => {
  const content = lines(3 * BLOCK + 777)
  const stored = await bytesOf(frames(lent(inPieces(content, BLOCK)), {}, signal).stored)
  const reads: number[] = []
  const readAt = async (from: number, length: number) => {
    reads.push(from)
    return stored.subarray(from, from + length)
  }
  const places = await readPlaces(readAt, stored.length, signal)
  t.equal(places.length, 4)
  const ranges: [from: number, length: number, frames: number][] = [
    [0, 1, 1],
    [0, content.length, 4],
    [BLOCK - 1, 1, 1],
    [BLOCK - 1, 2, 2],
    [BLOCK, BLOCK, 1],
    [BLOCK + 1, BLOCK, 2],
    [3 * BLOCK + 700, 1000, 1],
    [content.length, 10, 0],
    [5, 0, 0],
  ]
  for (const [from, length, count] of ranges) {
    reads.length = 0
    const part = await bytesOf(plainRange(readAt, places, from, length, signal))
    t.ok(part.equals(content.subarray(from, from + length)), `${length} bytes at ${from}`)
    t.equal(reads.length, count, 'frames read')
  }
})

t.test('empty content', async (t) => {
  const stored = await bytesOf(frames(lent(inPieces(Buffer.alloc(0), 1)), {}, signal).stored)
  const places = await readPlaces(readerOf(stored), stored.length, signal)
  t.equal((await bytesOf(plainRange(readerOf(stored), places, 0, 10, signal))).length, 0)
})

t.test('beyond 4 GiB of content', async (t) => {
  const frame = zlib.zstdCompressSync(lines(BLOCK), {
    params: { [zlib.constants.ZSTD_c_checksumFlag]: 1 },
    pledgedSrcSize: BLOCK,
  })
  const pieces: Buffer[] = []
  const entries: { stored: number; plain: number }[] = []
  const count = 1100
  for (let index = 0; index < count; index += 1) {
    const storedOffset = index * (44 + frame.length)
    const marker = { storedOffset, storedLength: frame.length, plainOffset: index * BLOCK, plainLength: BLOCK }
    pieces.push(formatMarker(marker), frame)
    entries.push({ stored: 44, plain: 0 }, { stored: frame.length, plain: BLOCK })
  }
  const digest = formatDigest({ frames: count, plainBytes: count * BLOCK, sha256: Buffer.alloc(32) })
  const stored = Buffer.concat([...pieces, digest, formatSeekTable([...entries, { stored: 64, plain: 0 }])])
  const places = await readPlaces(readerOf(stored), stored.length, signal)
  const from = 2 ** 32 + 3 * BLOCK - 5
  t.ok(
    (await bytesOf(plainRange(readerOf(stored), places, from, 10, signal))).equals(
      Buffer.concat([lines(BLOCK).subarray(-5), lines(5)]),
    ),
  )
})

t.test('beyond 4 GiB of what is stored', async (t) => {
  const frame = zlib.zstdCompressSync('far away', { params: { [zlib.constants.ZSTD_c_checksumFlag]: 1 } })
  const place: Marker = { storedOffset: 2 ** 33 + 5, storedLength: frame.length, plainOffset: 2 ** 40, plainLength: 8 }
  const bytes = Buffer.concat([formatMarker(place), frame])
  const readAt = async (from: number, length: number) => bytes.subarray(from - place.storedOffset).subarray(0, length)
  t.equal((await frameAt(readAt, place, signal)).toString(), 'far away')
  await t.rejects(
    frameAt(async () => bytes, { ...place, storedOffset: 5 }, signal),
    { message: /another place/ },
  )
})

t.test('a table that is not there, lies, or is not ours', async (t) => {
  const stored = await bytesOf(frames(lent(inPieces(lines(1000), 1000)), {}, signal).stored)
  const open = (bytes: Buffer) => readPlaces(readerOf(bytes), bytes.length, signal)
  await t.rejects(open(stored.subarray(0, -1)), { name: 'CutError', message: /no seek table/ })
  await t.rejects(open(Buffer.alloc(0)), { name: 'CutError' })
  await t.rejects(open(stored.subarray(1)), { name: 'DamageError', message: /does not match the file/ })
  await t.rejects(open(stored.subarray(-9)), { name: 'DamageError' })
  const frame = zlib.zstdCompressSync('without a marker')
  const foreign = Buffer.concat([frame, formatSeekTable([{ stored: frame.length, plain: 16 }])])
  await t.rejects(open(foreign), { name: 'DamageError' })
})

t.test('damage in a frame that is read', async (t) => {
  const stored = await bytesOf(frames(lent(inPieces(lines(1000), 1000)), {}, signal).stored)
  const places = await readPlaces(readerOf(stored), stored.length, signal)
  const damaged = Buffer.from(stored).fill(0, 60, 70)
  await t.rejects(bytesOf(plainRange(readerOf(damaged), places, 0, 10, signal)), {
    name: 'DamageError',
    storedOffset: 0,
  })
})
