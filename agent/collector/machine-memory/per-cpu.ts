import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { abandonable } from '../../deadline.ts'
import type { KcoreReader } from './kcore-reader.ts'
import type { Machine } from './machine.ts'
import type { PageRange } from './survey.ts'
import { mappingOf } from './vmcore.ts'

/** The kernel's variables that say where its first per-CPU areas lie (mm/percpu.c), and their sizes in bytes. */
const VARIABLES = { pcpu_base_addr: 8, pcpu_unit_size: 4, pcpu_nr_units: 4 } as const
/** Beyond this it is no per-CPU area: 8192 processors (NR_CPUS) with 1 MiB each. */
const MOST_BYTES = 2 ** 33

/**
 * Pages of the kernel's per-CPU variables: run queues, current tasks. They bear no flag of their own, and without them no task
 * is found. Undefined where the kernel does not say where they are.
 */
export async function perCpuPages(
  root: string,
  machine: Machine,
  kcore: KcoreReader,
  signal: AbortSignal,
): Promise<PageRange | undefined> {
  const symbols = await abandonable(readFile(join(root, 'proc/kallsyms')), signal).catch(() => undefined)
  if (symbols === undefined) return undefined
  const [base, unit, units] = await Promise.all(
    Object.entries(VARIABLES).map(([name, bytes]) => readVariable(symbols, name, bytes, machine, kcore, signal)),
  )
  if (base === undefined || unit === undefined || units === undefined) return undefined
  const first = physicalOf(machine, base)
  const bytes = Number(unit) * Number(units)
  if (first === undefined || bytes === 0 || bytes > MOST_BYTES) return undefined
  const { pageSize } = machine
  return { start: Math.floor(first / pageSize), end: Math.ceil((first + bytes) / pageSize) }
}

async function readVariable(
  symbols: Buffer,
  name: string,
  bytes: number,
  machine: Machine,
  kcore: KcoreReader,
  signal: AbortSignal,
): Promise<bigint | undefined> {
  const end = symbols.indexOf(` ${name}\n`)
  if (end < 0) return undefined
  const [, address] = /(?:^|\n)([0-9a-f]+) [a-zA-Z]$/.exec(symbols.toString('latin1', Math.max(0, end - 24), end)) ?? []
  const physical = address === undefined ? undefined : physicalOf(machine, BigInt(`0x${address}`))
  const mapping = physical === undefined ? undefined : mappingOf(machine.map, physical)
  if (physical === undefined || mapping === undefined) return undefined
  const value = Buffer.alloc(8)
  await kcore.read(mapping.offset + BigInt(physical - mapping.start), value.subarray(0, bytes), signal)
  return value.readBigUInt64LE()
}

/** Where a kernel address lies: in the image, in the direct map, or (arm64) in the image by VMCOREINFO's word. */
function physicalOf({ map, memory }: Machine, address: bigint): number | undefined {
  for (const { start, end, address: from } of [...map.image, ...map.direct]) {
    if (from <= address && address < from + BigInt(end - start)) return start + Number(address - from)
  }
  const [, offset] = /^NUMBER\(kimage_voffset\)=0x([0-9a-f]+)$/m.exec(map.vmcoreinfo.toString('latin1')) ?? []
  if (offset === undefined) return undefined
  const physical = Number(BigInt.asUintN(64, address - BigInt(`0x${offset}`)))
  return memory.ram.some(({ start, end }) => start <= physical && physical < end) ? physical : undefined
}
