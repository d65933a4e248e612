import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { btfBlob, TASK_TYPES, TO_TASKS } from './first/btf-blob.ts'

const PAGE = 4096
/** Flags by name: include/uapi/linux/kernel-page-flags.h. */
export const FLAGS = {
  kernel: 0,
  slab: 1 << 7,
  head: 1 << 15,
  tail: 1 << 16,
  free: 1 << 10,
  anon: (1 << 12) | (1 << 5) | (1 << 14),
  shmem: (1 << 14) | (1 << 5),
  cache: 1 << 5,
  poisoned: 1 << 19,
} as const

export interface SyntheticMachine {
  /** Flags of each page of RAM. */
  readonly pages: readonly number[]
  /** First page of RAM, of the kernel's image, and of its data. Pages. */
  readonly ramAt?: number
  readonly image?: readonly [number, number]
  readonly data?: readonly [number, number]
  readonly lockdown?: string
  /** First page and number of pages of the per-CPU areas, which the first page of the kernel's data tells of. */
  readonly perCpu?: readonly [number, number]
  /** Page with the one pid there is, which the first page of the kernel's data leads to. */
  readonly pid?: number
  /** What is wrong with it. */
  readonly without?: 'kcore' | 'kpageflags' | 'addresses' | 'vmcoreinfo'
}

export const VMCOREINFO = Buffer.from('OSRELEASE=6.1.0-test\nPAGESIZE=4096\nSYMBOL(swapper_pg_dir)=ffffffff82810000\n')
const DIRECT = 0xffff_8880_0000_0000n
const TEXT = 0xffff_ffff_8100_0000n

/** What page `number` holds, everywhere in it: never 0. */
export const contentOf = (number: number) => 1 + ((number * 7) % 250)

/** A host's root with /proc and /sys as a machine with this memory shows them. VMCOREINFO lies in the first page of RAM. */
export function syntheticMachine(root: string, machine: SyntheticMachine): void {
  const { pages, ramAt = 256, image, data, lockdown, without } = machine
  const put = (path: string, content: string | Buffer) => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  const flags = Buffer.alloc((ramAt + pages.length) * 8)
  for (const [index, value] of pages.entries()) flags.writeUInt32LE(value, (ramAt + index) * 8)
  if (without !== 'kpageflags') put('proc/kpageflags', flags)
  const hex = (page: number, last = 0) => (without === 'addresses' ? '0' : (page * PAGE - last).toString(16))
  const inner = (name: string, range: readonly [number, number] | undefined) =>
    range === undefined ? '' : `  ${hex(range[0])}-${hex(range[1], 1)} : ${name}\n`
  put(
    'proc/iomem',
    `${hex(0)}-${hex(1, 1)} : Reserved\n${hex(ramAt)}-${hex(ramAt + pages.length, 1)} : System RAM\n` +
      inner('Kernel code', image) +
      inner('Kernel data', data),
  )
  put('sys/kernel/vmcoreinfo', `${hex(ramAt)} 1024\n`)
  put('sys/devices/system/cpu/online', '0-1,3\n')
  put('proc/meminfo', 'MemFree: 4 kB\nActive: 0 kB\nInactive: 4 kB\nUnevictable: 0 kB\nShmem: 8 kB\nHugetlb: 0 kB\n')
  if (lockdown !== undefined) put('sys/kernel/security/lockdown', lockdown)
  if (without === 'kcore') return
  const file = kcore(pages.length, ramAt, image, without === 'vmcoreinfo')
  const { perCpu, pid } = machine
  if ((perCpu !== undefined || pid !== undefined) && image !== undefined && data !== undefined) {
    const at = 2 * PAGE + (data[0] - ramAt) * PAGE
    if (perCpu !== undefined) file.writeBigUInt64LE(DIRECT + BigInt(perCpu[0] * PAGE), at + 16)
    file.writeUInt32LE(perCpu === undefined ? 0 : (perCpu[1] / 2) * PAGE, at + 32)
    file.writeUInt32LE(2, at + 48)
    // The root of the tree of pids, and no task at the pid.
    if (pid !== undefined) {
      put('sys/kernel/btf/vmlinux', btfBlob(TASK_TYPES))
      file.writeBigUInt64LE(DIRECT + BigInt(pid * PAGE), at + 64 + 16 + 8)
      file.writeBigUInt64LE(0n, 2 * PAGE + (pid - ramAt) * PAGE + TO_TASKS)
    }
    const address = (offset: number) => (TEXT + BigInt((data[0] - image[0]) * PAGE + offset)).toString(16)
    const symbols = {
      pcpu_unit_size_other: 0,
      pcpu_base_addr: 16,
      pcpu_unit_size: 32,
      pcpu_nr_units: 48,
      init_pid_ns: 64,
    }
    put(
      'proc/kallsyms',
      Object.entries(symbols)
        .map(([name, offset]) => `${address(offset)} d ${name}\n`)
        .join(''),
    )
  }
  put('proc/kcore', file)
}

function kcore(count: number, ramAt: number, image: readonly [number, number] | undefined, broken: boolean): Buffer {
  const loads = [
    // vmalloc, as the kernel shows it: no physical address, and far larger than any file.
    { address: 0xffff_c900_0000_0000n, physical: 2n ** 64n - 1n, bytes: 2 ** 45, offset: 2n ** 46n },
    ...(image === undefined
      ? []
      : [{ address: TEXT, physical: BigInt(image[0] * PAGE), bytes: (image[1] - image[0]) * PAGE, offset: 2n ** 47n }]),
    {
      address: DIRECT + BigInt(ramAt * PAGE),
      physical: BigInt(ramAt * PAGE),
      bytes: count * PAGE,
      offset: BigInt(2 * PAGE),
    },
  ]
  const head = Buffer.alloc(2 * PAGE)
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1], 0)
  head.writeUInt16LE(4, 16)
  head.writeUInt16LE(62, 18)
  head.writeBigUInt64LE(64n, 32)
  head.writeUInt16LE(56, 54)
  head.writeUInt16LE(loads.length + 1, 56)
  const note = Buffer.alloc(24 + Math.ceil(VMCOREINFO.length / 4) * 4)
  note.writeUInt32LE(11, 0)
  note.writeUInt32LE(VMCOREINFO.length, 4)
  note.write('VMCOREINFO\0', 12)
  VMCOREINFO.copy(note, 24)
  note.copy(head, PAGE)
  head.writeUInt32LE(4, 64)
  head.writeBigUInt64LE(BigInt(PAGE), 72)
  head.writeBigUInt64LE(BigInt(note.length), 96)
  for (const [index, { address, physical, bytes, offset }] of loads.entries()) {
    const at = 64 + 56 * (index + 1)
    head.writeUInt32LE(1, at)
    head.writeBigUInt64LE(offset, at + 8)
    head.writeBigUInt64LE(address, at + 16)
    head.writeBigUInt64LE(physical, at + 24)
    head.writeBigUInt64LE(BigInt(bytes), at + 32)
    head.writeBigUInt64LE(BigInt(bytes), at + 40)
  }
  const memory = Buffer.alloc(count * PAGE)
  for (let page = 0; page < count; page++) memory.fill(contentOf(ramAt + page), page * PAGE, (page + 1) * PAGE)
  if (!broken) note.copy(memory)
  return Buffer.concat([head, memory])
}
