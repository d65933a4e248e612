import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { abandonable, within } from '../../../words/deadline.ts'
import { type Member, readStructures, type Structure } from './btf.ts'
import type { KernelMemory } from './kernel-memory.ts'

/** How the kernel's structures lie that lead from its table of pids to every task. Bytes. */
interface Layouts {
  /** From struct pid_namespace to the root of its tree of pids. */
  readonly pids: number
  readonly node: Structure
  readonly slots: Member
  readonly pid: Structure
  /** Of the list of its tasks. */
  readonly tasks: number
  readonly task: Structure
  /** Of the link in that list. */
  readonly link: number
}

/** The pid namespace that all others are in: kernel/pid.c. */
export const TASK_SYMBOLS = ['init_pid_ns'] as const
const STRUCTURES = ['pid_namespace', 'idr', 'xarray', 'xa_node', 'pid', 'task_struct']
const POINTER = 8
/** Two low bits of an entry say that it is a node: include/linux/xarray.h, xa_is_node. */
const [TAGS, NODE] = [3n, 2n]
/** Levels of a tree of 32-bit numbers with 16 slots a node, the smaller of the kernel's two sizes. */
const MOST_LEVELS = 8
/** ms: what was found by then comes first, the others with the rest of the slabs. */
const WALK_MS = 3_000

/**
 * Pages of all tasks and of the tables that they are found by: those that `init_pid_ns` leads to, so threads and those in other pid
 * namespaces too. As far as the kernel's types (/sys/kernel/btf/vmlinux) and the time tell; pages may be given more than once.
 */
export async function taskPages(
  root: string,
  kernel: KernelMemory,
  pageSize: number,
  parent: AbortSignal,
): Promise<readonly number[]> {
  const signal = within(WALK_MS, parent)
  const pages: number[] = []
  const found = (address: bigint, bytes: number) => {
    const physical = kernel.physical(address)
    if (physical === undefined) return
    for (let page = Math.floor(physical / pageSize); page * pageSize < physical + bytes; page++) pages.push(page)
  }
  try {
    const layouts = await layoutsOf(root, signal)
    const namespace = kernel.symbol('init_pid_ns')
    if (layouts === undefined || namespace === undefined) return []
    const { pid, tasks, task, link } = layouts
    for await (const entries of pidsBelow(kernel, layouts, namespace + BigInt(layouts.pids), found, signal)) {
      const lists = await Promise.all(entries.map((entry) => readPointer(kernel, entry + BigInt(tasks), signal)))
      for (const entry of entries) found(entry, pid.bytes)
      for (const first of lists) if (first !== undefined && first !== 0n) found(first - BigInt(link), task.bytes)
    }
  } catch (error) {
    if (!signal.aborted || parent.aborted) throw error
  }
  return pages
}

/** Undefined where the kernel does not tell its types, or has others. */
async function layoutsOf(root: string, signal: AbortSignal): Promise<Layouts | undefined> {
  const btf = await abandonable(readFile(join(root, 'sys/kernel/btf/vmlinux')), signal).catch(() => undefined)
  if (btf === undefined) return undefined
  const structures = structuresOf(btf)
  const member = (structure: string, name: string) => structures.get(structure)?.members.get(name)
  const [idr, tree, head] = [member('pid_namespace', 'idr'), member('idr', 'idr_rt'), member('xarray', 'xa_head')]
  const [slots, tasks, link] = [member('xa_node', 'slots'), member('pid', 'tasks'), member('task_struct', 'pid_links')]
  const [node, pid, task] = ['xa_node', 'pid', 'task_struct'].map((name) => structures.get(name))
  if (!idr || !tree || !head || !slots || !tasks || !link || !node || !pid || !task) return undefined
  return {
    pids: idr.offset + tree.offset + head.offset,
    ...{ node, slots, pid, tasks: tasks.offset, task, link: link.offset },
  }
}

/** Types of a kernel newer than we are may be of kinds that we do not know: then they tell us nothing. */
function structuresOf(btf: Buffer): ReadonlyMap<string, Structure> {
  try {
    return readStructures(btf, STRUCTURES)
  } catch {
    return new Map()
  }
}

/** Addresses of all struct pid in a tree, node by node; the nodes are told to `found`: lib/xarray.c. */
async function* pidsBelow(
  kernel: KernelMemory,
  { node, slots }: Layouts,
  root: bigint,
  found: (address: bigint, bytes: number) => void,
  signal: AbortSignal,
): AsyncGenerator<readonly bigint[]> {
  async function* below(entry: bigint, levels: number): AsyncGenerator<readonly bigint[]> {
    if (!isNode(entry)) {
      if (entry !== 0n) yield [entry]
      return
    }
    const address = entry & ~TAGS
    const content = levels === 0 ? undefined : await kernel.read(address, node.bytes, signal)
    if (content === undefined) return
    found(address, node.bytes)
    const at = Array.from({ length: slots.elements }, (_, slot) => slots.offset + slot * POINTER)
    const entries = at.map((offset) => content.readBigUInt64LE(offset)).filter((next) => next !== 0n)
    yield entries.filter((next) => !isNode(next))
    for (const next of entries.filter(isNode)) yield* below(next, levels - 1)
  }
  const head = await readPointer(kernel, root, signal)
  if (head !== undefined) yield* below(head, MOST_LEVELS)
}

const isNode = (entry: bigint) => (entry & TAGS) === NODE

async function readPointer(kernel: KernelMemory, address: bigint, signal: AbortSignal): Promise<bigint | undefined> {
  return (await kernel.read(address, POINTER, signal))?.readBigUInt64LE()
}
