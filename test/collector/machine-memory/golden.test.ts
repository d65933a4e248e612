import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type KcoreMap, parseKcore } from '../../../agent/collector/machine-memory/kcore-map.ts'
import { KERNEL, OBJECTS, SHMEM, USER } from '../../../agent/collector/machine-memory/page-class.ts'
import type { Run } from '../../../agent/collector/machine-memory/runs.ts'
import { DATA_RANK } from '../../../agent/collector/machine-memory/survey.ts'
import { layOut } from '../../../agent/collector/machine-memory/vmcore.ts'
import { without } from '../live-core/patients.ts'
import { parseVmcore } from './elf-vmcore.ts'

const GOLDEN = join(import.meta.dirname, 'golden')
const MIB = 1024 * 1024

interface Load {
  readonly physical: bigint
  readonly address: bigint
  readonly offset: bigint
  readonly bytes: number
}

/** What /proc/kcore says of itself: elf(5), fs/proc/kcore.c. */
function kcoreOf(machine: number, loads: readonly Load[], vmcoreinfo: string): KcoreMap {
  const head = Buffer.alloc(64 + 56 * loads.length)
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  head.writeUInt16LE(machine, 18)
  head.writeBigUInt64LE(64n, 32)
  head.writeUInt16LE(56, 54)
  head.writeUInt16LE(loads.length, 56)
  for (const [index, { physical, address, offset, bytes }] of loads.entries()) {
    const at = 64 + 56 * index
    head.writeUInt32LE(1, at)
    head.writeBigUInt64LE(offset, at + 8)
    head.writeBigUInt64LE(address, at + 16)
    head.writeBigUInt64LE(physical, at + 24)
    head.writeBigUInt64LE(BigInt(bytes), at + 40)
  }
  const note = Buffer.alloc(24 + vmcoreinfo.length)
  note.writeUInt32LE(11, 0)
  note.writeUInt32LE(vmcoreinfo.length, 4)
  note.write('VMCOREINFO\0', 12)
  note.write(vmcoreinfo, 24)
  return parseKcore(head, note)
}

/** p_paddr of vmalloc, modules and vmemmap. */
const NONE = 0xffff_ffff_ffff_ffffn
const info = (more: string) => `OSRELEASE=6.12.0-test\nBUILD-ID=${'5a'.repeat(20)}\nPAGESIZE=4096\n${more}`

/** What x86-64 shows: the second GiB of RAM lies behind a hole, and 32 MiB from 16 MiB on are the kernel's image. */
function x64(direct: bigint, levels: 4 | 5): KcoreMap {
  // arch/x86/include/asm/pgtable_64.h: an offset is the lower 48 or 57 bits of its address, and a page for the headers.
  const offset = (address: bigint) => (address & ((1n << BigInt(levels === 4 ? 47 : 56)) - 1n)) + 0x1000n
  const at = (physical: bigint, address: bigint, bytes: number) => ({
    physical,
    address,
    offset: offset(address),
    bytes,
  })
  return kcoreOf(
    62,
    [
      at(NONE, direct + (1n << 45n), 32 * MIB),
      at(0x100_0000n, 0xffff_ffff_8100_0000n, 32 * MIB),
      at(0x1000n, direct + 0x1000n, 640 * 1024 - 4096),
      at(0x10_0000n, direct + 0x10_0000n, 1023 * MIB),
      at(0x1_0000_0000n, direct + 0x1_0000_0000n, 1024 * MIB),
    ],
    info(`NUMBER(phys_base)=0\nNUMBER(pgtable_l5_enabled)=${levels - 4}\nKERNELOFFSET=0\n`),
  )
}

/** On arm64 the image is no stretch of its own. */
function arm64(): KcoreMap {
  const load = { physical: 0x4000_0000n, address: 0xffff_0000_0000_0000n, offset: 0x1000n, bytes: 2048 * MIB }
  return kcoreOf(
    183,
    [load],
    info('NUMBER(VA_BITS)=48\nNUMBER(TCR_EL1_T1SZ)=0x10\nNUMBER(kimage_voffset)=0xffff7fffc0000000\n'),
  )
}

/** By page, as the survey gives them. */
const x64Runs: readonly Run[] = [
  { start: 0x1, end: 0x3, rank: KERNEL },
  { start: 0xffe, end: 0x1002, rank: KERNEL }, // into the image
  { start: 0x2ff0, end: 0x3002, rank: DATA_RANK }, // and out of it
  { start: 0x8000, end: 0x8004, rank: USER },
  { start: 0x10_0000, end: 0x10_0002, rank: SHMEM },
  { start: 0x12_0000, end: 0x12_0008, rank: OBJECTS },
]
const arm64Runs: readonly Run[] = [
  { start: 0x4_0000, end: 0x4_0004, rank: USER },
  { start: 0x4_0100, end: 0x4_0110, rank: DATA_RANK },
  { start: 0x4_0200, end: 0x4_0201, rank: OBJECTS },
]

const FILES = [
  { name: 'x64', map: () => x64(0xffff_8880_0000_0000n, 4), runs: x64Runs.toReversed() as readonly Run[] },
  // Moved by KASLR.
  { name: 'x64-5-level', map: () => x64(0xff31_e540_0000_0000n, 5), runs: x64Runs },
  { name: 'arm64', map: arm64, runs: arm64Runs },
] as const

for (const { name, map, runs } of FILES) {
  t.test(`golden: ${name}`, async (t) => {
    const { head, bytes } = layOut(map(), 2, runs, 4096)
    const path = join(GOLDEN, `${name}.vmcore`)
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(path, head)
    t.ok(head.equals(readFileSync(path)), 'VMCORE.md, byte by byte')
    t.equal(bytes, head.length + runs.reduce((sum: number, { start, end }) => sum + end - start, 0) * 4096)
  })

  t.test(`judged: ${name}`, { skip: without('eu-readelf') }, async (t) => {
    const args = ['-h', '-l', '-n', join(GOLDEN, `${name}.vmcore`)]
    const said = execFileSync('eu-readelf', args, { encoding: 'utf8', stdio: 'pipe' })
    t.match(said, name === 'arm64' ? /Machine: +AARCH64/ : /Machine: +AMD x86-64/)
    t.match(said, /Type: +CORE/)
    t.equal(said.match(/^ {2}CORE +\d+ +PRSTATUS$/gm)?.length, 2, 'one for each processor')
    t.match(said, new RegExp(`BUILD-ID=${'5a'.repeat(20)}`))
    t.equal(said.match(/^ {2}LOAD /gm)?.length, name === 'arm64' ? 3 : 8)
  })
}

t.test('by rank in the file, by physical address in the table', async (t) => {
  const { head, order } = layOut(x64(0xffff_8880_0000_0000n, 4), 1, x64Runs, 4096)
  t.same(
    order.map(({ start, rank }) => [rank, start]),
    [
      [DATA_RANK, 0x2ff0],
      [DATA_RANK, 0x3000],
      [OBJECTS, 0x12_0000],
      [KERNEL, 0x1],
      [KERNEL, 0xffe],
      [KERNEL, 0x1000],
      [SHMEM, 0x10_0000],
      [USER, 0x8000],
    ],
  )
  const { loads } = parseVmcore(head)
  const physical = loads.map((load) => load.physical)
  t.same(
    physical,
    physical.toSorted((a, b) => a - b),
  )
  const first = loads.toSorted((a, b) => a.offset - b.offset)
  t.same(
    first.map((load) => load.physical / 4096),
    order.map(({ start }) => start),
  )
  t.equal(first[0]?.offset, head.length, 'all notes lie before the first page')
})

t.test('the image has the address that it is linked to, all else the one of the direct map', async (t) => {
  const { head } = layOut(x64(0xff31_e540_0000_0000n, 5), 1, x64Runs, 4096)
  const addresses = parseVmcore(head).loads.map(({ address }) => `0x${address.toString(16)}`)
  t.same(addresses, [
    '0xff31e54000001000',
    '0xff31e54000ffe000',
    '0xffffffff81000000',
    '0xffffffff82ff0000',
    '0xff31e54003000000',
    '0xff31e54008000000',
    '0xff31e54100000000',
    '0xff31e54120000000',
  ])
})

t.test('with five levels of page tables, offsets in /proc/kcore are exact beyond 2^53', async (t) => {
  const { direct, image } = x64(0xff31_e540_0000_0000n, 5)
  t.equal(direct[0]?.offset, 0x31_e540_0000_2000n)
  t.ok((direct[0]?.offset ?? 0n) > 2n ** 53n)
  t.equal(image[0]?.offset, 0xff_ffff_8100_1000n)
})
