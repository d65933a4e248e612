import t from 'tap'
import { GoTable } from '../../../agent/collector/unwind/go-table.ts'
import { Damaged } from '../../../agent/collector/unwind/image.ts'
import { Images } from '../../../agent/collector/unwind/images.ts'
import { elfOf } from './synthetic-elf.ts'
import { fileOf, never } from './unwound.ts'

/** Growths of the stack of a function, as Go writes them: first from -1 on, then what is added; after how many instructions. */
type Growths = readonly (readonly [growth: number, bytes: number])[]

const TEXT = 0x1000
const FUNCTIONS: readonly { name: string; start: number; growths: Growths }[] = [
  {
    name: 'main.main',
    start: TEXT,
    growths: [
      [0, 4],
      [24, 60],
      [0, 1],
    ],
  },
  { name: 'runtime.futex', start: TEXT + 0x100, growths: [[0, 0x80]] },
  {
    name: 'main.large',
    start: TEXT + 0x200,
    growths: [
      [0, 16],
      [100_000, 200],
    ],
  },
]
const END = TEXT + 0x300

const uleb = (value: number): number[] => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...uleb(value >>> 7)])
const zigzag = (value: number) => uleb(value < 0 ? -value * 2 - 1 : value * 2)

/** A table of Go 1.18 and later: header, names, values, functions. */
function newTable(magic: number, textStart: number): Buffer {
  const names = Buffer.from(`\0${FUNCTIONS.map(({ name }) => `${name}\0`).join('')}`)
  const nameAt = (name: string) => names.indexOf(`${name}\0`)
  const values: number[] = [0]
  const valuesAt = FUNCTIONS.map(({ growths }) => {
    const at = values.length
    let last = -1
    for (const [growth, bytes] of growths) {
      values.push(...zigzag(growth - last), ...uleb(bytes))
      last = growth
    }
    values.push(0)
    return at
  })
  const [namesAt, valueAt] = [72, 72 + names.length]
  const functionsAt = valueAt + values.length
  const rows = FUNCTIONS.length * 8 + 8
  const table = Buffer.alloc(functionsAt + rows + FUNCTIONS.length * 44)
  head(table, magic, [FUNCTIONS.length, 0, textStart, namesAt, 0, 0, valueAt, functionsAt])
  names.copy(table, namesAt)
  table.set(values, valueAt)
  for (const [index, { name, start }] of FUNCTIONS.entries()) {
    const described = rows + index * 44
    table.writeUInt32LE(start - TEXT, functionsAt + index * 8)
    table.writeUInt32LE(described, functionsAt + index * 8 + 4)
    table.writeUInt32LE(nameAt(name), functionsAt + described + 4)
    table.writeUInt32LE(valuesAt[index] ?? 0, functionsAt + described + 16)
  }
  table.writeUInt32LE(END - TEXT, functionsAt + rows - 8)
  return table
}

/** One of Go 1.2: whole addresses, places counted from the table's start. */
function oldTable(): Buffer {
  const rows = 16 + FUNCTIONS.length * 16 + 8
  const table = Buffer.alloc(rows + FUNCTIONS.length * 44 + 256)
  head(table, 0xfffffffb, [FUNCTIONS.length])
  let next = rows + FUNCTIONS.length * 44
  for (const [index, { name, start, growths }] of FUNCTIONS.entries()) {
    const described = rows + index * 44
    table.writeBigUInt64LE(BigInt(start), 16 + index * 16)
    table.writeBigUInt64LE(BigInt(described), 16 + index * 16 + 8)
    table.writeUInt32LE(next, described + 8)
    next += table.write(`${name}\0`, next)
    table.writeUInt32LE(next, described + 20)
    let last = -1
    for (const [growth, bytes] of growths) {
      const pair = [...zigzag(growth - last), ...uleb(bytes)]
      table.set(pair, next)
      next += pair.length
      last = growth
    }
    next += 1
  }
  table.writeBigUInt64LE(BigInt(END), 16 + FUNCTIONS.length * 16)
  return table
}

function head(table: Buffer, magic: number, words: readonly number[]): void {
  table.writeUInt32LE(magic, 0)
  table.set([0, 0, 1, 8], 4)
  for (const [index, word] of words.entries()) table.writeBigUInt64LE(BigInt(word), 8 + index * 8)
}

async function goTable(content: Buffer, section = '.gopclntab') {
  const file = elfOf({ sections: { [section]: content } })
  const image = await new Images().of(fileOf('go', file), '/go', never)
  if (image === undefined) throw new Error('no program')
  return { file, table: await GoTable.of(image, never) }
}

const TABLES = {
  'Go 1.2': () => oldTable(),
  'Go 1.18': () => newTable(0xfffffff0, TEXT),
  'Go 1.20': () => newTable(0xfffffff1, TEXT),
  'Go 1.20, where text starts to be filled in by the loader': () => newTable(0xfffffff1, 0),
}

for (const [name, make] of Object.entries(TABLES)) {
  t.test(name, async (t) => {
    const { file, table } = await goTable(make())
    const at = async (address: number) => {
      const found = await table?.functionAt(address, never)
      if (table === undefined || found === undefined) return undefined
      const name = file.toString('latin1', found.nameAt, file.indexOf(0, found.nameAt))
      return `${name} ${await table.growthAt(found, address, never)}`
    }
    t.equal(await at(TEXT - 1), undefined)
    t.equal(await at(TEXT), 'main.main 0')
    t.equal(await at(TEXT + 3), 'main.main 0')
    t.equal(await at(TEXT + 4), 'main.main 24')
    t.equal(await at(TEXT + 63), 'main.main 24')
    t.equal(await at(TEXT + 64), 'main.main 0')
    t.equal(await at(TEXT + 65), 'main.main undefined')
    t.equal(await at(TEXT + 0x110), 'runtime.futex 0')
    t.equal(await at(TEXT + 0x210), 'main.large 100000')
    t.equal(await at(END), undefined)
  })
}

t.test('what is no such table, or of an unknown version, is none', async (t) => {
  t.equal((await goTable(newTable(0xfffffff1, TEXT), '.other')).table, undefined)
  t.equal((await goTable(newTable(0xfffffff2, TEXT))).table, undefined)
  const position = newTable(0xfffffff1, TEXT)
  t.not((await goTable(position, '.data.rel.ro.gopclntab')).table, undefined)
})

t.test('one that is damaged', async (t) => {
  const many = newTable(0xfffffff1, TEXT)
  many.writeBigUInt64LE(2n ** 40n, 8)
  await t.rejects(goTable(many), Damaged)
  const beyond = newTable(0xfffffff1, TEXT)
  beyond.writeBigUInt64LE(2n ** 60n, 8 + 7 * 8)
  const { table: wild } = await goTable(beyond)
  await t.rejects(async () => void (await wild?.functionAt(TEXT, never)), Damaged)
  const endless = newTable(0xfffffff1, TEXT)
  endless.fill(0xff, 72 + endless.readUInt8(8 + 6 * 8) - 72, endless.readUInt16LE(8 + 7 * 8))
  const { table } = await goTable(endless)
  const found = await table?.functionAt(TEXT, never)
  await t.rejects(async () => void (found && (await table?.growthAt(found, TEXT, never))), Damaged)
})
