import t from 'tap'
import { interruptedStacks } from '../../../agent/collector/live-core/interrupted.ts'
import { machineOf } from '../../../agent/collector/live-core/machine.ts'
import type { Pages } from '../../../agent/collector/live-core/pages.ts'

const never = new AbortController().signal
const mapping = (start: number, permissions = 'rw-p') => {
  return { start, end: start + 0x10000, permissions, offset: 0, device: '00:00', inode: 0, path: '' }
}
const mappings = [mapping(0x10000), mapping(0x20000), mapping(0x30000, 'r-xp')]
const own = { tid: 7, start: 0x10f00, end: 0x12000, cut: false }

/** Where in a saved context the mark and the stack pointer are, as the kernel's headers have them. */
const CONTEXTS = { x64: { mark: 18 * 8, sp: 15 * 8 }, arm64: { mark: 288, sp: 8 + 31 * 8 } } as const

for (const [arch, { mark, sp }] of Object.entries(CONTEXTS)) {
  t.test(`${arch}: a context on the stack leads to the stack that was left`, async (t) => {
    const machine = machineOf(arch)
    if (machine === undefined) throw new Error(arch)
    const interrupted = async (pointers: readonly number[]) => {
      const bytes = Buffer.alloc(0x1100)
      for (const [index, pointer] of pointers.entries()) {
        machine.context.mark.copy(bytes, 0x100 + index * 0x200 + mark)
        bytes.writeBigUInt64LE(BigInt(pointer), 0x100 + index * 0x200 + sp)
      }
      const pages = { read: async (_: number, length: number) => bytes.subarray(0, length) } as unknown as Pages
      return await interruptedStacks([own], mappings, machine, pages, never)
    }
    const expected = { tid: 7, start: 0x24000 - machine.redZone, end: 0x30000, cut: false }
    t.same(await interrupted([]), [])
    t.same(await interrupted([0x24000]), [expected])
    t.same(await interrupted([0x24000, 0x24100]), [expected], 'once')
    t.same(await interrupted([0x11000]), [], 'the same stack')
    t.same(await interrupted([0x34000, 0x99000]), [], 'no stack')
  })
}

t.test('a mark where no context can be', async (t) => {
  const machine = machineOf('x64')
  if (machine === undefined) throw new Error('x64')
  const bytes = Buffer.alloc(0x1100)
  machine.context.mark.copy(bytes, 8)
  const pages = { read: async () => bytes } as unknown as Pages
  t.same(await interruptedStacks([own], mappings, machine, pages, never), [])
})
