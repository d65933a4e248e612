import t from 'tap'
import { formatSeekTable, parseFooter, parseSeekTable, placesOf } from '../../agent/frames/seek-table.ts'

const entries = [
  { stored: 44, plain: 0 },
  { stored: 1000, plain: 4_194_304 },
  { stored: 44, plain: 0 },
  { stored: 0xffffffff, plain: 0xffffffff },
]

t.test('there and back', async (t) => {
  for (const list of [[], entries]) t.strictSame(parseSeekTable(formatSeekTable(list)), list)
})

t.test('places of frames, also beyond 4 GiB', async (t) => {
  const far = Array.from({ length: 6 }, () => [
    { stored: 44, plain: 0 },
    { stored: 0xf0000000, plain: 0xf0000000 },
  ]).flat()
  t.strictSame(placesOf(far).at(-1), {
    storedOffset: 5 * (44 + 0xf0000000),
    storedLength: 0xf0000000,
    plainOffset: 5 * 0xf0000000,
    plainLength: 0xf0000000,
  })
})

t.test('what is none of ours, or contradicts itself', async (t) => {
  const good = formatSeekTable(entries)
  const change = (at: number, value: number) => {
    const bytes = Buffer.from(good)
    bytes[at] = value
    return parseSeekTable(bytes)
  }
  t.equal(change(0, 0x50), undefined, 'magic')
  t.equal(change(4, 0x20), undefined, 'length')
  t.equal(change(good.length - 9, 3), undefined, 'number of entries')
  t.equal(change(good.length - 5, 0x80), undefined, 'entries with checksums')
  t.equal(change(good.length - 5, 0x04), undefined, 'reserved bits')
  t.equal(change(good.length - 1, 0), undefined, 'seekable magic')
  t.ok(change(good.length - 5, 0x01), 'unused bits say nothing')
  t.equal(parseSeekTable(good.subarray(8)), undefined, 'no header')
  t.equal(parseFooter(Buffer.alloc(0)), undefined)
})
