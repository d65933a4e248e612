import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** The tables of threads in the stacks, the second look's first: collector/sources/stacks/STACKS.md. */
const TABLES = ['stacks/later/threads.tsv', 'stacks/threads.tsv'] as const
/** Stands that are hangs, the worst first. */
const HANGS = ['blocked', 'deadlock?', 'spinning'] as const
/** Lines of a table that are read: more threads than it has. */
const LINES = 100_000

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
  let columns: readonly string[] | undefined
  let lines = 0
  for await (const line of createInterface({ input: createReadStream(join(directory, table)) })) {
    const cells = line.split('\t')
    if (++lines > LINES) break
    columns ??= cells
    const [pid, tid, stand = ''] = ['pid', 'tid', 'stand'].map((name) => cells[columns?.indexOf(name) ?? -1])
    const rank = HANGS.indexOf(stand as (typeof HANGS)[number])
    const before = found.get(Number(pid))
    const isWorse = before === undefined || rank < HANGS.indexOf(before.stand as (typeof HANGS)[number])
    if (rank >= 0 && isWorse && /^\d+$/.test(tid ?? '')) found.set(Number(pid), { tid: Number(tid), stand })
  }
  return found
}
