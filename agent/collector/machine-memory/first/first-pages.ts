import type { KcoreReader } from '../kcore-reader.ts'
import type { Machine } from '../machine.ts'
import type { PageRange } from '../survey.ts'
import { kernelMemory } from './kernel-memory.ts'
import { pageTablePages } from './page-tables.ts'
import { PER_CPU_SYMBOLS, perCpuPages } from './per-cpu.ts'
import { TASK_SYMBOLS, taskPages } from './task-pages.ts'

/** What comes before everything else in a snapshot. */
export interface FirstPages {
  /** Disjoint and ascending: the kernel's own variables, those of each processor, its page tables, and the tasks. */
  readonly pages: readonly PageRange[]
  /** What of that the kernel told the places of. */
  readonly classes: readonly ('kernel data' | 'tasks')[]
}

/** Finds them, as far as the kernel tells where they are. */
export async function firstPages(
  root: string,
  machine: Machine,
  kcore: KcoreReader,
  signal: AbortSignal,
): Promise<FirstPages> {
  const { memory, pageSize } = machine
  const data = memory.kernelData.map(({ start, end }) => ({ start: start / pageSize, end: end / pageSize }))
  const kernel = await kernelMemory(root, machine, kcore, [...PER_CPU_SYMBOLS, ...TASK_SYMBOLS], signal)
  const perCpu = await perCpuPages(kernel, pageSize, signal)
  const tables = await pageTablePages(machine, kernel, signal)
  const tasks = await taskPages(root, kernel, pageSize, signal)
  return {
    pages: merged([...data, ...perCpu, ...[...tables, ...tasks].map((page) => ({ start: page, end: page + 1 }))]),
    classes: tasks.length === 0 ? ['kernel data'] : ['kernel data', 'tasks'],
  }
}

function merged(ranges: readonly PageRange[]): PageRange[] {
  const disjoint: PageRange[] = []
  for (const range of ranges.toSorted((a, b) => a.start - b.start)) {
    const last = disjoint.at(-1)
    if (last === undefined || last.end < range.start) disjoint.push(range)
    else disjoint[disjoint.length - 1] = { start: last.start, end: Math.max(last.end, range.end) }
  }
  return disjoint
}
