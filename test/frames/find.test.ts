import t from 'tap'
import { frames } from '../../agent/frames/encode.ts'
import { markerSearch, wholeFrames } from '../../agent/frames/find.ts'
import { readPlaces } from '../../agent/frames/range.ts'
import { lent } from '../streams/poisoned.ts'
import { bytesOf, inPieces, lines, noise, readerOf } from './streams.ts'

const { signal } = new AbortController()
const BLOCK = 4 * 1024 * 1024

const store = (content: Buffer) => bytesOf(frames(lent(inPieces(content, BLOCK)), {}, signal).stored)

/** Which of the content's bytes come back, at their place; everything else stays zero. */
async function rebuilt(stored: Buffer, size: number): Promise<{ content: Buffer; offsets: number[] }> {
  const content = Buffer.alloc(size)
  const offsets: number[] = []
  for await (const found of wholeFrames(readerOf(stored), stored.length, Infinity, signal)) {
    found.content.copy(content, found.marker.plainOffset)
    offsets.push(found.marker.plainOffset / BLOCK)
  }
  return { content, offsets }
}

t.test('around a hole, without beginning or end', async (t) => {
  const content = noise(5 * BLOCK + 10, 11)
  const stored = await store(content)
  const places = await readPlaces(readerOf(stored), stored.length, signal)
  const at = (frame: number) => places[frame]?.storedOffset ?? 0
  const hole = Buffer.from(stored).fill(0, at(1) + 100, at(3) + 20)
  const around = await rebuilt(hole, content.length)
  t.strictSame(around.offsets, [0, 4, 5])
  t.ok(around.content.equals(Buffer.from(content).fill(0, BLOCK, 4 * BLOCK)))
  t.strictSame((await rebuilt(Buffer.from(stored).fill(0, 0, 1), content.length)).offsets, [1, 2, 3, 4, 5])
  t.strictSame((await rebuilt(stored.subarray(0, at(2) + 5000), content.length)).offsets, [0, 1])
  t.strictSame((await rebuilt(stored.subarray(0, 30), content.length)).offsets, [])
  t.strictSame((await rebuilt(Buffer.alloc(0), content.length)).offsets, [])
})

t.test('a file of ours inside the content is not mistaken for the file', async (t) => {
  const inner = await store(noise(2 * BLOCK, 12))
  const content = Buffer.concat([noise(1_000_000, 13), inner])
  const stored = await store(content)
  t.ok(stored.indexOf(inner.subarray(0, 44), 44) > 0, 'it lies there uncompressed')
  const whole = await rebuilt(stored, content.length)
  t.strictSame(whole.offsets, [0, 1, 2])
  const second = (await readPlaces(readerOf(stored), stored.length, signal))[1]?.storedOffset ?? 0
  t.strictSame((await rebuilt(Buffer.from(stored).fill(0, 0, 40), content.length)).offsets, [1, 2])
  t.strictSame((await markerSearch(readerOf(stored), stored.length)(1, signal))?.storedOffset, second)
})

t.test('a marker across two windows of the search is found', async (t) => {
  const window = 1024 * 1024
  const stored = await store(lines(2 * BLOCK))
  const second = (await readPlaces(readerOf(stored), stored.length, signal))[1]?.storedOffset ?? 0
  for (const before of [window - 44, window - 43, window - 20, window - 1, window, window + 1]) {
    const readAt = async (from: number, length: number) => {
      const bytes = Buffer.alloc(length)
      stored.copy(bytes, Math.max(0, second - from), Math.max(second, from), from + length)
      return bytes
    }
    const found = await markerSearch(readAt, second + 1000)(second - before, signal)
    t.equal(found?.storedOffset, second, `${before} bytes behind where the search begins`)
  }
})
