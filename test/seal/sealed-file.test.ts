import t from 'tap'
import { frames } from '../../agent/frames/encode.ts'
import { wholeFrames } from '../../agent/frames/find.ts'
import { plainRange, readPlaces } from '../../agent/frames/range.ts'
import { Keyring } from '../../agent/seal/keyring.ts'
import { sealed } from '../../agent/seal/seal.ts'
import { openSealed } from '../../agent/seal/sealed-file.ts'
import { bytesOf, inPieces, noise, readerOf } from '../frames/streams.ts'
import { lent } from '../streams/poisoned.ts'
import { testIdentity } from './fixtures.ts'

const { signal } = new AbortController()
const CHUNK = 65_536
const STORED = CHUNK + 16
const BLOCK = 4 * 1024 * 1024
const identity = testIdentity()
const CUT = { name: 'SealError', failure: 'cut' }

const seal = (content: Buffer) => bytesOf(sealed(lent(inPieces(content, 100_000)), [identity.recipient], signal))
const open = (stored: Buffer, onDamage: 'fail' | 'zeros' = 'fail') =>
  openSealed(readerOf(stored), stored.length, new Keyring([identity]), onDamage, signal)

t.test('any part of the content', async (t) => {
  for (const size of [0, 1, CHUNK, 3 * CHUNK, 3 * CHUNK + 10]) {
    const content = noise(size, 41)
    const file = await open(await seal(content))
    t.equal(file.plainBytes, size)
    const ranges: [from: number, length: number][] = [
      [0, size],
      [0, 1],
      [CHUNK - 1, 2],
      [CHUNK, CHUNK],
      [size - 1, 100],
      [size, 1],
      [size + CHUNK, 1],
    ]
    for (const [from, length] of ranges.filter(([from]) => from >= 0)) {
      const part = await file.readAt(from, length, signal)
      t.ok(part.equals(content.subarray(from, from + length)), `${length} bytes at ${from} of ${size}`)
    }
  }
})

t.test('a part of what was framed and sealed', async (t) => {
  const content = noise(2 * BLOCK + 100, 42)
  const stored = await seal(await bytesOf(frames(lent(inPieces(content, BLOCK)), {}, signal).stored))
  const file = await open(stored)
  const places = await readPlaces(file.readAt, file.plainBytes, signal)
  const part = await bytesOf(plainRange(file.readAt, places, BLOCK - 50, 100, signal))
  t.ok(part.equals(content.subarray(BLOCK - 50, BLOCK + 50)))
})

t.test('damage and cuts are told, unless they shall read as zeros', async (t) => {
  const content = noise(4 * CHUNK + 100, 43)
  const stored = await seal(content)
  const payload = (await open(stored)).payloadOffset
  const holed = Buffer.from(stored).fill(0, payload + STORED + 10, payload + STORED + 20)
  const strict = await open(holed)
  await t.rejects(strict.readAt(CHUNK + 5, 1, signal), { name: 'SealError', failure: 'damaged', plainBytes: CHUNK })
  t.ok((await strict.readAt(2 * CHUNK, 10, signal)).equals(content.subarray(2 * CHUNK, 2 * CHUNK + 10)))
  const lenient = await open(holed, 'zeros')
  const expected = Buffer.from(content).fill(0, CHUNK, 2 * CHUNK)
  t.ok((await lenient.readAt(0, content.length, signal)).equals(expected))

  for (const [cut, plain, good] of [
    [payload + 2 * STORED, 2 * CHUNK, 2 * CHUNK],
    [payload + 2 * STORED + 5, 2 * CHUNK, 2 * CHUNK],
    [payload + 2 * STORED + 1016, 2 * CHUNK + 1000, 2 * CHUNK],
  ] as const) {
    await t.rejects(open(stored.subarray(0, cut)), CUT)
    const file = await open(stored.subarray(0, cut), 'zeros')
    t.equal(file.plainBytes, plain)
    t.ok((await file.readAt(0, plain, signal)).equals(Buffer.from(content.subarray(0, plain)).fill(0, good)), `${cut}`)
  }
  for (const cut of [0, 30, payload - 1]) await t.rejects(open(stored.subarray(0, cut), 'zeros'), CUT)
})

t.test('salvage: frames around a hole in what was sealed', async (t) => {
  const content = noise(5 * BLOCK, 44)
  const stored = await seal(await bytesOf(frames(lent(inPieces(content, BLOCK)), {}, signal).stored))
  // A part that never arrived, and filler in its place.
  const holed = Buffer.from(stored).fill(0, BLOCK + 1_000_000, 2 * BLOCK)
  const file = await open(holed, 'zeros')
  const found: number[] = []
  for await (const { marker, content: plain } of wholeFrames(file.readAt, file.plainBytes, Infinity, signal)) {
    found.push(marker.plainOffset / BLOCK)
    t.ok(plain.equals(content.subarray(marker.plainOffset, marker.plainOffset + BLOCK)))
  }
  t.strictSame(found, [0, 2, 3, 4])
})
