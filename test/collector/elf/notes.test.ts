import t from 'tap'
import { notePlaces, PROGRAM_HEADER, programTable } from '../../../agent/collector/elf/headers.ts'
import { notesIn, writeNote } from '../../../agent/collector/elf/notes.ts'
import { LITTLE, numbersOf } from '../../../agent/collector/elf/numbers.ts'

t.test('notes as they were written, the last one as far as it is there', async (t) => {
  const notes = [
    { owner: 'CORE', type: 1, content: Buffer.from('abcde') },
    { owner: 'LINUX', type: 0x202, content: Buffer.alloc(0) },
    { owner: 'VMCOREINFO', type: 0, content: Buffer.from('PAGESIZE=4096\n') },
  ]
  const segment = Buffer.concat(notes.map(({ owner, type, content }) => writeNote(owner, type, content)))
  t.equal(segment.length % 4, 0)
  t.same(
    [...notesIn(segment, LITTLE)],
    notes.map((note) => ({ ...note, isWhole: true })),
  )
  const cut = [...notesIn(segment.subarray(0, -6), LITTLE)]
  t.match(cut.at(-1), { owner: 'VMCOREINFO', content: Buffer.from('PAGESIZE=4'), isWhole: false })
  t.same([...notesIn(Buffer.alloc(11), LITTLE)], [])
})

t.test('notes of the other byte order', async (t) => {
  const head = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 1, 2])
  const numbers = numbersOf(head)
  if (numbers === undefined) return t.fail('it is an ELF file')
  const note = writeNote('CORE', 3, Buffer.from('abcd'))
  for (const at of [0, 4, 8]) note.subarray(at, at + 4).reverse()
  t.match([...notesIn(note, numbers)], [{ owner: 'CORE', type: 3, content: Buffer.from('abcd') }])
})

t.test(
  'where notes lie is read of 64-bit little-endian files alone, and as far as the headers are there',
  async (t) => {
    const head = Buffer.alloc(64)
    head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
    head.writeUInt16LE(62, 18)
    head.writeBigUInt64LE(64n, 32)
    head.writeUInt16LE(PROGRAM_HEADER, 54)
    head.writeUInt16LE(3, 56)
    t.same(programTable(head), { machine: 62, offset: 64, count: 3 })
    t.equal(programTable(head.subarray(0, 63)), undefined)
    for (const [at, byte] of [
      [0, 0],
      [4, 1],
      [5, 2],
      [54, 32],
    ] as const) {
      const other = Buffer.from(head)
      other[at] = byte
      t.equal(programTable(other), undefined, `byte ${at}`)
    }
    const table = Buffer.alloc(3 * PROGRAM_HEADER - 1)
    for (const [nth, type] of [1, 4, 4].entries()) {
      table.writeUInt32LE(type, nth * PROGRAM_HEADER)
      table.writeBigUInt64LE(BigInt(1000 + nth), nth * PROGRAM_HEADER + 8)
      table.writeBigUInt64LE(BigInt(20 + nth), nth * PROGRAM_HEADER + 32)
    }
    t.same(notePlaces(table), [{ offset: 1001, size: 21 }])
  },
)
