import type { PageRange } from '../survey.ts'
import type { KernelMemory } from './kernel-memory.ts'

/** Variables of mm/percpu.c: where the first areas lie, and their sizes in bytes. */
export const PER_CPU_SYMBOLS = ['pcpu_base_addr', 'pcpu_unit_size', 'pcpu_nr_units'] as const
/** Beyond this it is no per-CPU area: 8192 processors (NR_CPUS) with 1 MiB each. */
const MOST_BYTES = 2 ** 33

/**
 * Pages of the kernel's per-CPU variables: run queues, current tasks. They bear no flag of their own, and without them no task
 * is found. Empty where the kernel does not say where they lie.
 */
export async function perCpuPages(
  kernel: KernelMemory,
  pageSize: number,
  signal: AbortSignal,
): Promise<readonly PageRange[]> {
  const variable = async (name: (typeof PER_CPU_SYMBOLS)[number], bytes: number) => {
    const address = kernel.symbol(name)
    const content = address === undefined ? undefined : await kernel.read(address, bytes, signal)
    return content && BigInt(bytes === 8 ? content.readBigUInt64LE() : content.readUInt32LE())
  }
  const base = await variable('pcpu_base_addr', 8)
  const bytes = Number(((await variable('pcpu_unit_size', 4)) ?? 0n) * ((await variable('pcpu_nr_units', 4)) ?? 0n))
  const first = base === undefined ? undefined : kernel.physical(base)
  if (first === undefined || bytes === 0 || bytes > MOST_BYTES) return []
  return [{ start: Math.floor(first / pageSize), end: Math.ceil((first + bytes) / pageSize) }]
}
