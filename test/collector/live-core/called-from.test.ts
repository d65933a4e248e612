import t from 'tap'
import type { Range } from '../../../agent/collector/host/mappings.ts'
import { keepCalledFrom } from '../../../agent/collector/live-core/called-from.ts'
import type { Pages } from '../../../agent/collector/live-core/pages.ts'

const never = new AbortController().signal
const mapping = (start: number, permissions: string, path = '', inode = 0) => {
  return { start, end: start + 0x10000, permissions, offset: 0, device: '00:00', inode, path }
}
const mappings = [
  mapping(0x10000, 'rw-p'),
  ...[mapping(0x20000, 'r-xp'), mapping(0x40000, 'rwxp', '[anon:v8]'), mapping(0x50000, 'r-xp', '/lib/x.so', 7)],
  ...[mapping(0x60000, 'rw-p'), mapping(0x70000, 'r-xp', '[vdso]')],
]
const stack = { tid: 7, start: 0x10f00, end: 0x10f80, cut: false }

async function kept(words: readonly number[], of = [stack]) {
  const bytes = Buffer.alloc(Math.max(0x80, words.length * 8))
  for (const [index, word] of words.entries()) bytes.writeBigUInt64LE(BigInt(word), index * 8)
  const ranges: Range[] = []
  const pages = {
    read: async (_: number, length: number) => bytes.subarray(0, length),
    keepAll: async (all: readonly Range[]) => void ranges.push(...all),
  } as unknown as Pages
  await keepCalledFrom(of, mappings, pages, never)
  return ranges.map(({ start, end }) => [start, end])
}

t.test('code that is in no file is kept around what a stack may return to', async (t) => {
  t.same(await kept([0, 0x20105, 0x60000, 0x4ffff]), [
    [0x200c0, 0x20180],
    [0x4ff80, 0x50000],
  ])
  t.same(await kept([0x20000, 0x20001]), [[0x20000, 0x20080]], 'each place once, and no further than it goes')
  t.same(await kept([0x50100, 0x70100, 0x30100, 0x10100]), [], 'files, the vdso, nothing, data')
  t.same((await kept([0x20105], [stack, { ...stack, start: 0x10f04 }])).length, 1, 'words lie at their places')
})

t.test('no more of it than some', async (t) => {
  const many = Array.from({ length: 1000 }, (_, index) => 0x20000 + index * 64)
  const all = await kept(many, [{ ...stack, end: stack.start + 8000 }])
  t.equal(all.length, 256)
  t.same(all[0], [0x20000, 0x20080], 'the innermost')
})
