import zlib from 'node:zlib'
import t from 'tap'
import { plain } from '../../agent/frames/decode.ts'
import { frames } from '../../agent/frames/encode.ts'
import { wholeFrames } from '../../agent/frames/find.ts'
import { FRAME_BYTES, formatMarker, MARKER_BYTES, SHORT_FRAMES_MAX } from '../../agent/frames/marker.ts'
import { type ReadAt, readPlaces } from '../../agent/frames/range.ts'
import { formatSeekTable } from '../../agent/frames/seek-table.ts'
import { lent } from '../streams/poisoned.ts'
import { bytesOf, inPieces, prefixOf, readerOf } from './streams.ts'

const { signal } = new AbortController()
const MIB = 1024 ** 2

const frameOf = (content: Buffer, params = {}) =>
  zlib.zstdCompressSync(content, { params: { [zlib.constants.ZSTD_c_checksumFlag]: 1, ...params } })

/** Marker and frame, over and over, each at its true place in the stored stream. */
function stream(pieces: readonly { frame: Buffer; plainOffset: number; plainLength: number }[]): Buffer {
  let storedOffset = 0
  return Buffer.concat(
    pieces.flatMap(({ frame, ...place }) => {
      const marker = formatMarker({ ...place, storedOffset, storedLength: frame.length })
      storedOffset += MARKER_BYTES + frame.length
      return [marker, frame]
    }),
  )
}

/** A reader that counts how much was read through it. */
function counting(bytes: Buffer): { readAt: ReadAt; read: () => number } {
  let read = 0
  const readAt: ReadAt = async (from, length) => {
    const piece = await readerOf(bytes)(from, length)
    read += piece.length
    return piece
  }
  return { readAt, read: () => read }
}

async function found(readAt: ReadAt, size: number, most: number): Promise<number> {
  let bytes = 0
  for await (const { content } of wholeFrames(readAt, size, most, signal)) bytes += content.length
  return bytes
}

t.test('a file of markers that all are at their place is read a few times, not once for each', async (t) => {
  const count = 100_000
  const markers = Buffer.concat(
    Array.from({ length: count }, (_, i) =>
      formatMarker({ storedOffset: i * MARKER_BYTES, storedLength: 4 * MIB, plainOffset: 0, plainLength: FRAME_BYTES }),
    ),
  )
  const { readAt, read } = counting(markers)
  t.equal(await found(readAt, markers.length, Infinity), 0)
  t.ok(read() < 4 * markers.length + 10 * MIB, `${read()} bytes were read of ${markers.length}`)
})

t.test('markers whose frames are too short to be any are passed in one reading', async (t) => {
  const count = 100_000
  const markers = Buffer.concat(
    Array.from({ length: count }, (_, i) =>
      formatMarker({ storedOffset: i * MARKER_BYTES, storedLength: 1, plainOffset: 1, plainLength: FRAME_BYTES }),
    ),
  )
  const { readAt, read } = counting(markers)
  t.equal(await found(readAt, markers.length, Infinity), 0)
  t.ok(read() < 4 * markers.length, `${read()} bytes were read of ${markers.length}`)
})

t.test('frames that claim one place, or a place beyond what the file may hold, are not decoded', async (t) => {
  const frame = frameOf(Buffer.alloc(FRAME_BYTES, 1))
  const plainLength = FRAME_BYTES
  const same = stream(Array.from({ length: 50 }, () => ({ frame, plainOffset: 0, plainLength })))
  t.equal(await found(readerOf(same), same.length, Infinity), FRAME_BYTES)
  const row = stream(Array.from({ length: 50 }, (_, i) => ({ frame, plainOffset: i * plainLength, plainLength })))
  t.equal(await found(readerOf(row), row.length, 10 * FRAME_BYTES), 10 * FRAME_BYTES)
  const far = stream([{ frame, plainOffset: 2 ** 50, plainLength }])
  t.equal(await found(readerOf(far), far.length, 2 ** 40), 0)
})

t.test('frames that fail count as well', async (t) => {
  const bad = frameOf(Buffer.alloc(FRAME_BYTES, 1))
  bad[bad.length - 1] = (bad.at(-1) ?? 0) ^ 1
  const pieces = Array.from({ length: 20 }, () => ({ frame: bad, plainOffset: 0, plainLength: FRAME_BYTES }))
  const good = { frame: frameOf(Buffer.alloc(FRAME_BYTES, 2)), plainOffset: 0, plainLength: FRAME_BYTES }
  const bytes = stream([...pieces, good])
  t.equal(await found(readerOf(bytes), bytes.length, 21 * FRAME_BYTES), FRAME_BYTES, 'the last one is good')
  t.equal(await found(readerOf(bytes), bytes.length, 20 * FRAME_BYTES), 0, 'and is not reached with less')
})

t.test('a stream of frames of a byte each ends early', async (t) => {
  const frame = frameOf(Buffer.alloc(1))
  const bytes = stream(Array.from({ length: 1000 }, (_, i) => ({ frame, plainOffset: i, plainLength: 1 })))
  const decoded = await prefixOf(plain(inPieces(bytes, MIB), signal))
  t.equal(decoded.bytes.length, SHORT_FRAMES_MAX)
  t.match(decoded.error, { name: 'DamageError', message: /more than 64 of its frames are short/ })
  t.equal(await found(readerOf(bytes), bytes.length, Infinity), SHORT_FRAMES_MAX)
})

t.test('a frame that is none, or asks for more memory than a frame may', async (t) => {
  const skippable = Buffer.concat([formatMarker({ storedOffset: 0, storedLength: 1, plainOffset: 0, plainLength: 1 })])
  const real = frameOf(Buffer.alloc(100))
  const behind = stream([{ frame: Buffer.concat([skippable, real]), plainOffset: 0, plainLength: 100 }])
  t.match((await prefixOf(plain(inPieces(behind, MIB), signal))).error, { message: /it is no zstd frame/ })
  const wide = wideFrame()
  const asking = stream([{ frame: wide, plainOffset: 0, plainLength: 100 }])
  t.match((await prefixOf(plain(inPieces(asking, MIB), signal))).error, { name: 'DamageError' })
  const ordinary = await prefixOf(plain(inPieces(wide, MIB), signal))
  t.match(ordinary.error, { name: 'DamageError', message: /emory|window/ })
})

/** A frame with a window of 128 MiB and 100 bytes of content: RFC 8878, section 3.1.1. */
function wideFrame(): Buffer {
  const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x04, 17 << 3])
  const block = Buffer.alloc(3)
  block.writeUIntLE((100 << 3) | 1, 0, 3)
  return Buffer.concat([head, block, Buffer.alloc(100), Buffer.alloc(4)])
}

t.test('what systemd-coredump writes, and zstd at its best without --ultra, is within the window', async (t) => {
  const content = Buffer.concat([Buffer.alloc(9 * MIB, 'a line\n'), Buffer.alloc(9 * MIB, 'another\n')])
  for (const level of [1, 3, 19]) {
    const compressed = zlib.createZstdCompress({ params: { [zlib.constants.ZSTD_c_compressionLevel]: level } })
    compressed.end(content)
    t.ok((await bytesOf(plain(compressed, signal))).equals(content), `level ${level}`)
  }
})

t.test('a seek table that says it has 2^32 entries is not read', async (t) => {
  const stored = await bytesOf(frames(lent(inPieces(Buffer.alloc(100), 100)), {}, signal).stored)
  const lying = Buffer.from(stored)
  lying.writeUInt32LE(0xffffffff, lying.length - 9)
  await t.rejects(readPlaces(readerOf(lying), lying.length, signal), { name: 'DamageError' })
  // A file that is as large as its footer says, and nothing but holes.
  const entries = 2 ** 21
  const size = formatSeekTable([]).length + entries * 8
  const footer = formatSeekTable([])
  footer.writeUInt32LE(entries, footer.length - 9)
  let most = 0
  const huge: ReadAt = async (from, length) => {
    most = Math.max(most, length)
    const bytes = Buffer.alloc(length)
    footer.copy(bytes, Math.max(0, size - 9 - from), footer.length - 9)
    return bytes
  }
  await t.rejects(readPlaces(huge, size, signal), { name: 'DamageError' })
  t.equal(most, 9, 'its footer was enough')
})
