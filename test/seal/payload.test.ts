import t from 'tap'
import { chunkAtStored, chunkPlace, plainBytes, storedBytes } from '../../agent/seal/payload.ts'

const CHUNK = 65_536
const STORED = CHUNK + 16
const START = 200

t.test('where a byte of content lies', async (t) => {
  t.strictSame(chunkPlace(START, 0), { index: 0, storedOffset: START, plainOffset: 0 })
  t.strictSame(chunkPlace(START, CHUNK - 1), { index: 0, storedOffset: START, plainOffset: 0 })
  t.strictSame(chunkPlace(START, CHUNK), { index: 1, storedOffset: START + STORED, plainOffset: CHUNK })
  const far = 2 ** 45 / CHUNK
  t.strictSame(chunkPlace(START, 2 ** 45 + 3), { index: far, storedOffset: START + far * STORED, plainOffset: 2 ** 45 })
})

t.test('which chunk a stored byte belongs to', async (t) => {
  t.equal(chunkAtStored(START, 0).index, 0, 'the header counts as the first')
  t.equal(chunkAtStored(START, START + STORED - 1).index, 0)
  t.equal(chunkAtStored(START, START + STORED).index, 1)
})

t.test('sizes there and back', async (t) => {
  for (const size of [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK, 2 ** 45 + 1]) {
    t.equal(plainBytes(START, storedBytes(START, size)), size, `${size}`)
  }
  t.equal(storedBytes(START, 0), START + 16)
  t.equal(storedBytes(START, CHUNK), START + STORED)
  t.equal(plainBytes(START, 0), 0)
  t.equal(plainBytes(START, START + STORED + 7), CHUNK, 'less than a tag behind the last whole chunk')
})
