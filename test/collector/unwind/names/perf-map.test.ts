import t from 'tap'
import { codeNames } from '../../../../agent/collector/unwind/names/perf-map.ts'
import { unhurried } from '../../reading.ts'

const readerOf = (text: string) => {
  const bytes = Buffer.from(text)
  return async (at: number, length: number) => bytes.subarray(at, at + length)
}
const named = async (text: string, ...addresses: number[]) => {
  const found = await codeNames(readerOf(text), addresses, unhurried())
  return addresses.map((address) => found.get(address)?.name)
}

t.test('what was written last counts', async (t) => {
  const map = '7f00 10 LazyCompile:*one a.js:1\n0x7f10 20 two\n7f08 8 three\n'
  t.strictSame(await named(map, 0x7f00, 0x7f08, 0x7f10, 0x7f2f, 0x7f30, 0x7eff), [
    ...['LazyCompile:*one a.js:1', 'three', 'two', 'two', undefined, undefined],
  ])
})

t.test('names are UTF-8, and may stand anywhere', async (t) => {
  const filler = 'ff 1 x\n'.repeat(20_000)
  t.strictSame(await named(`${filler}7f00 10 größe\n${filler}`, 0x7f01), ['größe'])
})

t.test('what is no map names nothing', async (t) => {
  for (const text of [
    '',
    '\n\n',
    'zz 10 a\n',
    '7f00 a\n',
    '7f00 10\n',
    `7f00 10 ${'x'.repeat(200_000)}\n`,
    '\0'.repeat(70_000),
  ])
    t.strictSame(await named(text, 0x7f00), [undefined])
  t.strictSame(await named(`${'y'.repeat(300_000)}\n7f00 10 a\n`, 0x7f00), ['a'], 'a line without end costs itself')
})
