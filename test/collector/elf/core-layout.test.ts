import t from 'tap'
import { coreLayout } from '../../../agent/collector/elf/core-layout.ts'
import { StartOf } from '../../../agent/collector/elf/start-of.ts'
import { syntheticCore } from './synthetic-core.ts'

const readerOf = (file: Buffer) => async (at: number, length: number) => file.subarray(at, at + length)
const layoutOf = (file: Buffer) => coreLayout(readerOf(file))

t.test('where a core ends, of each class and byte order', async (t) => {
  for (const bits of [32, 64] as const)
    for (const order of ['little', 'big'] as const) {
      const core = syntheticCore({ bits, order, loads: 20 })
      t.match(await layoutOf(core), { end: core.length, isAll: true, numbers: { isWide: bits === 64 } })
      for (const cut of [core.length - 1, 5000, 700, 200, 64])
        t.ok(((await layoutOf(core.subarray(0, cut)))?.end ?? 0) > cut, `${bits} ${order} at ${cut}`)
    }
})

t.test('more mappings than a header counts', async (t) => {
  for (const bits of [32, 64] as const) {
    const core = syntheticCore({ bits, loads: 66_000 })
    t.match(await layoutOf(core), { end: core.length, isAll: true })
    const cut = await layoutOf(core.subarray(0, core.length - 70))
    t.match(
      cut,
      { end: core.length, isAll: true },
      'the section header that counts them is gone, and they are known all the same',
    )
  }
})

t.test('the start of a stream is enough', async (t) => {
  const core = syntheticCore({ bits: 64, loads: 66_000 })
  const start = new StartOf()
  for (let at = 0; at < core.length; at += 1_000_000) start.push(core.subarray(at, at + 1_000_000))
  t.equal(start.bytes, core.length)
  t.match(await coreLayout(start.reader()), { end: core.length, isAll: true })
})

t.test('damaged headers', async (t) => {
  const core = syntheticCore({ bits: 64, loads: 20 })
  const damaged = async (change: (core: Buffer) => void) => {
    const copy = Buffer.from(core)
    change(copy)
    return await layoutOf(copy)
  }
  t.equal(await damaged((core) => core.writeUInt16LE(32, 54)), undefined, 'another size of program headers')
  t.equal(await damaged((core) => core.writeUInt16LE(0, 56)), undefined, 'none')
  t.equal(await damaged((core) => core.writeUInt16LE(2, 16)), undefined, 'an executable')
  t.equal(await damaged((core) => core.writeUInt8(3, 4)), undefined, 'no class')
  t.equal(await layoutOf(Buffer.from('\x7fELF')), undefined)
  t.match(await damaged((core) => core.writeBigUInt64LE(2n ** 63n, 32)), { isAll: false, end: 2 ** 63 + 21 * 56 })
  const endless = await damaged((core) => core.writeBigUInt64LE(2n ** 64n - 1n, 64 + 56 + 32))
  t.ok((endless?.end ?? 0) > 2 ** 63)
  t.match(
    await damaged((core) => core.writeUInt16LE(0xffff, 56)),
    { isAll: false },
    'very many, and nothing says how many',
  )
})

t.test('headers that are no headers end', async (t) => {
  const core = syntheticCore({ bits: 64, loads: 100 })
  let seed = 3
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31
    return seed % below
  }
  for (let round = 0; round < 2000; round++) {
    const damaged = Buffer.from(core.subarray(0, 16 * 1024))
    for (let hits = 0; hits < 1 + (round % 40); hits++) damaged[random(round % 2 === 0 ? 64 : 8192)] = random(256)
    const layout = await layoutOf(damaged)
    if (layout !== undefined && !(layout.end > 0)) t.fail(`it ends at ${layout.end}`)
  }
})
