import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { taskPages } from '../../../../agent/collector/machine-memory/first/task-pages.ts'
import { btfBlob, TASK_TYPES, TO_LINK, TO_SLOTS, TO_TASKS } from './btf-blob.ts'
import { emptyKernel, MEMORY } from './empty-kernel.ts'

const signal = AbortSignal.timeout(60_000)
const PAGE = 4096
const NAMESPACE = 0x100

function rootWith(t: Test, btf: Buffer | undefined): string {
  const root = t.testdir({})
  mkdirSync(join(root, 'sys/kernel/btf'), { recursive: true })
  if (btf !== undefined) writeFileSync(join(root, 'sys/kernel/btf/vmlinux'), btf)
  return root
}

/** A kernel whose tree of pids has its root at `rootAt`. */
function treeless() {
  return { ...emptyKernel({ init_pid_ns: NAMESPACE }), rootAt: NAMESPACE + 16 + 8 }
}

t.test('a tree of two levels: its nodes, the pids, and the tasks of which there are any', async (t) => {
  const { kernel, point, rootAt } = treeless()
  const slot = (node: number, index: number) => node + TO_SLOTS + index * 8
  point(rootAt, 3 * PAGE, 2n)
  point(slot(3 * PAGE, 0), 5 * PAGE, 2n)
  point(slot(3 * PAGE, 9), 6 * PAGE, 2n)
  point(slot(5 * PAGE, 1), 10 * PAGE)
  point(slot(5 * PAGE, 15), 12 * PAGE - 32) // on two pages
  point(slot(6 * PAGE, 0), 13 * PAGE)
  point(10 * PAGE + TO_TASKS, 20 * PAGE + TO_LINK)
  point(13 * PAGE + TO_TASKS, 31 * PAGE + 4000 + TO_LINK)
  const pages = await taskPages(rootWith(t, btfBlob(TASK_TYPES)), kernel, PAGE, signal)
  t.strictSame(
    [...new Set(pages)].sort((a, b) => a - b),
    [3, 5, 6, 10, 11, 12, 13, 20, 21, 31, 32, 33],
  )
})

t.test('one pid needs no tree', async (t) => {
  const { kernel, point, rootAt } = treeless()
  point(rootAt, 10 * PAGE)
  t.strictSame(await taskPages(rootWith(t, btfBlob(TASK_TYPES)), kernel, PAGE, signal), [10])
})

t.test('a tree that is being changed leads nowhere, and to an end', async (t) => {
  const { kernel, memory, point, addressOf, rootAt } = treeless()
  point(rootAt, 3 * PAGE, 2n)
  const slots = 3 * PAGE + TO_SLOTS
  memory.writeBigUInt64LE(0x1234_5678n, slots)
  memory.writeBigUInt64LE(addressOf(MEMORY) + 2n, slots + 8)
  point(slots + 16, MEMORY - 8)
  point(slots + 24, 3 * PAGE, 2n) // itself
  const pages = await taskPages(rootWith(t, btfBlob(TASK_TYPES)), kernel, PAGE, signal)
  t.ok(pages.includes(3))
  t.ok(pages.every((page) => page <= MEMORY / PAGE))
})

t.test('a kernel that does not tell', async (t) => {
  const { kernel, point, rootAt } = treeless()
  point(rootAt, 10 * PAGE)
  t.strictSame(await taskPages(rootWith(t, undefined), kernel, PAGE, signal), [], 'without BTF')
  t.strictSame(await taskPages(rootWith(t, Buffer.alloc(64)), kernel, PAGE, signal), [], 'with something else')
  t.strictSame(await taskPages(rootWith(t, btfBlob(TASK_TYPES.slice(0, 7))), kernel, PAGE, signal), [], 'with others')
  const nameless = { ...kernel, symbol: () => undefined }
  t.strictSame(await taskPages(rootWith(t, btfBlob(TASK_TYPES)), nameless, PAGE, signal), [], 'without symbols')
})
