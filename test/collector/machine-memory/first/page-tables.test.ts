import t from 'tap'
import { pageTablePages } from '../../../../agent/collector/machine-memory/first/page-tables.ts'
import type { KcoreMap } from '../../../../agent/collector/machine-memory/kcore-map.ts'
import type { Machine } from '../../../../agent/collector/machine-memory/machine.ts'
import { emptyKernel, MEMORY } from './empty-kernel.ts'

const signal = AbortSignal.timeout(60_000)
const PAGE = 4096
const TOP = 2 * PAGE
const LARGE = 0x80n
const [X86_64, ARM64] = [62, 183]

/** A machine whose VMCOREINFO says these lines. */
function machineOf(machine: number, lines: string[]): Machine {
  const map: KcoreMap = { machine, direct: [], image: [], vmcoreinfo: Buffer.from(`${lines.join('\n')}\n`) }
  return { map, pageSize: PAGE, processors: 1, memory: { ram: [], kernelData: [] } }
}

function tables() {
  const { kernel, memory, addressOf } = emptyKernel({})
  const enter = (table: number, entry: number, value: bigint) => memory.writeBigUInt64LE(value, table + entry * 8)
  return { kernel, enter, top: `SYMBOL(swapper_pg_dir)=${addressOf(TOP).toString(16)}` }
}

const sorted = (pages: readonly number[]) => [...pages].sort((a, b) => a - b)

t.test('x86-64, four levels: the tables of the kernel half, down to those of pages', async (t) => {
  const { kernel, enter, top } = tables()
  enter(TOP, 0, BigInt(50 * PAGE) | 0x67n) // of a process
  enter(TOP, 256, BigInt(3 * PAGE) | 0x67n)
  enter(TOP, 511, BigInt(4 * PAGE) | 0x8000_0000_0000_0067n) // not to be executed
  enter(TOP, 300, BigInt(51 * PAGE) | 0x66n) // not present
  enter(3 * PAGE, 1, BigInt(5 * PAGE) | 0x67n)
  enter(3 * PAGE, 2, BigInt(52 * PAGE) | LARGE | 0x67n)
  enter(4 * PAGE, 0, BigInt(6 * PAGE) | 0x67n)
  enter(5 * PAGE, 7, BigInt(7 * PAGE) | 0x67n)
  enter(7 * PAGE, 0, BigInt(53 * PAGE) | 0x67n) // a page, not a table
  const pages = await pageTablePages(machineOf(X86_64, [top, 'NUMBER(pgtable_l5_enabled)=0']), kernel, signal)
  t.strictSame(sorted(pages), [2, 3, 4, 5, 6, 7])
  const five = await pageTablePages(machineOf(X86_64, [top, 'NUMBER(pgtable_l5_enabled)=1']), kernel, signal)
  t.strictSame(sorted(five), [2, 3, 4, 5, 6, 7, 53])
})

t.test('x86-64 whose memory is encrypted', async (t) => {
  const { kernel, enter, top } = tables()
  const mask = 2n ** 47n
  enter(TOP, 256, BigInt(3 * PAGE) | mask | 0x67n)
  const machine = machineOf(X86_64, [top, `NUMBER(sme_mask)=${mask}`])
  t.strictSame(sorted(await pageTablePages(machine, kernel, signal)), [2, 3])
})

t.test('arm64: as many levels as addresses have bits', async (t) => {
  const { kernel, enter, top } = tables()
  enter(TOP, 0, BigInt(3 * PAGE) | 3n)
  enter(TOP, 1, BigInt(50 * PAGE) | 1n) // a block
  enter(3 * PAGE, 511, BigInt(4 * PAGE) | 3n | (1n << 59n))
  enter(4 * PAGE, 0, BigInt(5 * PAGE) | 3n)
  const walk = async (bits: number) =>
    sorted(await pageTablePages(machineOf(ARM64, [top, `NUMBER(VA_BITS)=${bits}`]), kernel, signal))
  t.strictSame(await walk(48), [2, 3, 4, 5])
  t.strictSame(await walk(39), [2, 3, 4])
})

t.test('tables that lead nowhere, and a kernel that does not tell', async (t) => {
  const { kernel, enter, top } = tables()
  enter(TOP, 256, BigInt(MEMORY) | 0x67n)
  enter(TOP, 257, BigInt(TOP) | 0x67n) // itself
  const pages = await pageTablePages(machineOf(X86_64, [top]), kernel, signal)
  t.ok(pages.includes(2) && pages.length < 1000)
  t.strictSame(await pageTablePages(machineOf(X86_64, ['OSRELEASE=1']), kernel, signal), [])
  t.strictSame(await pageTablePages(machineOf(ARM64, [top]), kernel, signal), [])
})
