import t from 'tap'
import { writeElfHeader, writeProgramHeader } from '../../../agent/collector/elf/headers.ts'
import { FilePages } from '../../../agent/collector/unwind/file-pages.ts'
import { heldMemory } from '../../../agent/collector/unwind/held-memory.ts'
import { Damaged } from '../../../agent/collector/unwind/image.ts'
import { Images } from '../../../agent/collector/unwind/images.ts'
import { ModuleMap } from '../../../agent/collector/unwind/module-map.ts'
import type { MappedFile } from '../../../agent/collector/unwind/modules.ts'
import { elfOf } from './synthetic-elf.ts'
import { fileOf, never } from './unwound.ts'

const NO_MEMORY = heldMemory([])

/** A library as linkers write them: parts at addresses that differ from their places in the file, two of them in one page of it. */
function library(): Buffer {
  const file = Buffer.alloc(0x4000)
  writeElfHeader(file, 62, 3)
  const part = (index: number, flags: number, offset: number, address: number, stored: number) =>
    writeProgramHeader(file, index, {
      ...{ type: 1, flags, offset, address: BigInt(address), physical: 0 },
      ...{ stored, size: stored, align: 4096 },
    })
  part(0, 4, 0, 0x10000, 0x1800)
  part(1, 5, 0x1800, 0x12800, 0x1000)
  part(2, 6, 0x2800, 0x14800, 0x800)
  return file
}

const map = (mappings: readonly MappedFile[], file: Buffer, isAll = true) =>
  new ModuleMap(
    { mappings, isAll, fileOf: ({ path }) => (path === '' ? undefined : fileOf('library', file)), memory: NO_MEMORY },
    new Images(),
  )

t.test('the bias is that of the part that lies there', async (t) => {
  const base = 0x7f00_0000_0000
  const mappings = [
    { start: base + 0x14000, end: base + 0x15000, offset: 0x2000, path: '/lib', permissions: 'rw-p' },
    { start: base + 0x10000, end: base + 0x12000, offset: 0, path: '/lib', permissions: 'r--p' },
    { start: base + 0x12000, end: base + 0x14000, offset: 0x1000, path: '/lib', permissions: 'r-xp' },
  ]
  const modules = map(mappings, library())
  for (const own of [0x10000, 0x12900, 0x13700, 0x14900])
    t.equal((await modules.at(base + own, never))?.bias, base, own.toString(16))
  t.equal(await modules.at(base + 0x12900, never), await modules.at(base + 0x12a00, never), 'one module, however often')
  t.equal(await modules.at(base + 0xf000, never), undefined)
  t.equal(await modules.codeAt(base + 0x12900, never), 'code')
  t.equal(await modules.codeAt(base + 0x10000, never), 'none')
  t.equal(await modules.codeAt(base + 0x20000, never), 'none')
})

t.test('a core tells no permissions, and not all mappings', async (t) => {
  const modules = map(
    [
      { start: 0x12000, end: 0x14000, offset: 0x1000, path: '/lib' },
      { start: 0x30000, end: 0x31000, offset: 0, path: '' },
    ],
    library(),
    false,
  )
  t.equal(await modules.codeAt(0x12900, never), 'code')
  t.equal(await modules.codeAt(0x30010, never), 'unknown', 'a file that is not at hand')
  t.equal(await modules.codeAt(0x50000, never), 'unknown')
  t.equal(await modules.codeAt(16, never), 'none')
})

t.test('the vdso is read from memory', async (t) => {
  const content = elfOf({ functions: [{ start: 0x1000, size: 16 }] })
  const start = 0x7ffe_0000_0000
  const mappings = [{ start, end: start + content.length, offset: 0, path: '[vdso]', permissions: 'r-xp' }]
  const modules = (bytes: Buffer) =>
    new ModuleMap(
      { mappings, isAll: true, fileOf: () => undefined, memory: heldMemory([{ start, bytes }]) },
      new Images(),
    )
  const found = await modules(content).at(start + 0x1000, never)
  t.equal(found?.path, '[vdso]')
  t.equal(found?.bias, start)
  await t.rejects(modules(content.subarray(0, 32)).at(start + 0x1000, never), Damaged)
})

t.test('data is no module; a damaged program is told each time', async (t) => {
  const mapping = [{ start: 0x10000, end: 0x20000, offset: 0, path: '/data', permissions: 'r--p' }]
  t.equal(await map(mapping, Buffer.alloc(4096)).at(0x10010, never), undefined)
  const modules = map(mapping, library().subarray(0, 80))
  await t.rejects(modules.at(0x10010, never), Damaged)
  await t.rejects(modules.at(0x10010, never), Damaged)
})

t.test('files are read by pages, of which the last ones stay', async (t) => {
  const pages = new FilePages()
  const content = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 251))
  let reads = 0
  const read = pages.of('/file', async (at, length) => {
    reads += 1
    return content.subarray(at, at + length)
  })
  t.same(await read(16_380, 20_000, never), content.subarray(16_380, 36_380))
  t.equal(reads, 3)
  await read(20_000, 100, never)
  t.equal(reads, 3)
  await t.rejects(read(99_999, 2, never), new Damaged('/file ends before byte 100001'))
  for (const at of [-1, Number.NaN, 2 ** 60, 0.5]) await t.rejects(read(at, 8, never), Damaged, String(at))
  await t.rejects(read(0, 2 ** 40, never), Damaged)
  const others = Array.from({ length: 600 }, (_, file) =>
    pages.of(`/${file}`, async (_at, length) => Buffer.alloc(length)),
  )
  for (const other of others) await other(0, 1, never)
  reads = 0
  await read(20_000, 100, never)
  t.equal(reads, 1, 'what was not used for long is read again')
})

t.test('a file that cannot be read is damaged, but an abort is an abort', async (t) => {
  const pages = new FilePages()
  const broken = pages.of('/gone', async () => {
    throw new Error('EIO')
  })
  await t.rejects(broken(0, 8, never), new Damaged('/gone cannot be read: EIO'))
  await t.rejects(broken(0, 8, AbortSignal.abort(new Error('enough'))), { message: 'enough' })
})

t.test('memory in pieces', async (t) => {
  const memory = heldMemory([
    { start: 300, bytes: Buffer.from([4, 5]) },
    { start: 100, bytes: Buffer.from([1, 2]) },
    { start: 102, bytes: Buffer.from([3]) },
  ])
  const read = (address: number, length: number) => {
    const into = Buffer.alloc(length)
    return [...into.subarray(0, memory(address, into))]
  }
  t.same(read(100, 3), [1, 2, 3])
  t.same(read(101, 8), [2, 3])
  t.same(read(99, 2), [])
  t.same(read(103, 1), [])
  t.same(read(301, 1), [5])
})
