import { join } from 'node:path'
import { tableRows } from './fetched-table.ts'

/** The tables of threads in the stacks, the second look's first: collector/sources/stacks/STACKS.md. */
const TABLES = ['stacks/later/threads.tsv', 'stacks/threads.tsv'] as const
/** Stands that are hangs, the worst first. */
const HANGS: readonly string[] = ['blocked', 'deadlock?', 'spinning']
/** futex(2) with FUTEX_PRIVATE_FLAG (128): a lock, not another thread's end. Of those that wait, they matter first. */
const PRIVATE = /^\S+ 0x(\w*[89a-f])\w( |$)/
const LOCK = 0.5

/** The thread of a process that matters first, and how it stands. */
export interface Striking {
  readonly tid: number
  readonly stand: string
}

/** By pid, for processes that hang, as the fetched table of threads tells; none where it was not fetched. */
export async function strikingThreads(
  directory: string,
  files: readonly string[],
): Promise<ReadonlyMap<number, Striking>> {
  const table = TABLES.find((name) => files.includes(name))
  const found = new Map<number, Striking>()
  if (table === undefined) return found
  const ranks = new Map<number, number>()
  for await (const row of tableRows(join(directory, table), ['pid', 'tid', 'stand', 'call', 'args'])) {
    const { pid, tid, stand = '', call, args = '' } = row
    const hang = HANGS.indexOf(stand)
    const rank = call === 'futex' && PRIVATE.test(args) ? hang - LOCK : hang
    // Threads have numbers of 22 bits at most (PID_MAX_LIMIT): what else stands there must not get into a script.
    if (hang < 0 || rank >= (ranks.get(Number(pid)) ?? HANGS.length) || !/^\d{1,7}$/.test(tid ?? '')) continue
    ranks.set(Number(pid), rank)
    found.set(Number(pid), { tid: Number(tid), stand })
  }
  return found
}
