import type { Stand } from '../../../words/details.ts'
import { printable } from '../../../words/printable.ts'
import type { HostProcess } from '../../processes/host-process.ts'
import { tsv } from '../../tar/tsv.ts'
import { isStuck } from './stand.ts'
import type { Thread } from './thread.ts'

/** A process with what was seen of its threads. */
export interface Stood {
  readonly process: HostProcess
  readonly threads: readonly Thread[]
  /** By tid; empty at the first look. */
  readonly stands: ReadonlyMap<number, Stand>
}

const COLUMNS = [
  ...['pid', 'unit', 'container', 'pod', 'namespace', 'comm', 'exe', 'tid', 'thread', 'state', 'stand'],
  ...['wchan', 'call', 'args', 'cpu', 'sp', 'ip', 'kernel_stack'],
] as const

/** threads.tsv, one line a thread; STACKS.md says what the columns mean. */
export function threadTable(stood: readonly Stood[]): string {
  const rows = stood.flatMap(({ process: { pid, unit, container, pod, namespace, comm, exe }, threads, stands }) =>
    threads.map((thread) => [
      ...[
        pid,
        unit,
        container,
        pod,
        namespace,
        comm,
        exe,
        thread.tid,
        thread.comm,
        thread.state,
        stands.get(thread.tid),
      ],
      ...[thread.wchan, thread.call?.name, thread.call?.args.map((arg) => `0x${arg.toString(16)}`).join(' ')],
      ...[thread.cpu.toFixed(2), thread.sp, thread.ip, thread.frames.join(' < ')],
    ]),
  )
  return tsv(COLUMNS, rows)
}

/** threads.txt: the same for people, a paragraph a process. */
export function threadText(stood: readonly Stood[]): string {
  return stood.map(paragraph).join('\n')
}

function paragraph({ process: { pid, unit, pod, namespace, comm, exe }, threads, stands }: Stood): string {
  const title = [`${comm} ${pid}`, unit, pod && `pod ${namespace}/${pod}`, exe]
    .filter((word) => word !== undefined)
    .join('  ')
  const widest = Math.max(0, ...threads.map((thread) => thread.comm.length))
  const lines = threads.flatMap((thread) => {
    const { tid, state, call, frames } = thread
    const stand = stands.get(tid)
    const marks = [
      call?.name,
      thread.wchan && `in ${thread.wchan}`,
      stand && (isStuck(stand) ? `stuck: ${stand}` : stand),
    ]
    const told = marks.filter((mark) => mark !== undefined && mark !== '').join('  ')
    const line = `${String(tid).padStart(9)}  ${thread.comm.padEnd(widest)}  ${state}  ${told}`
    return [line, ...frames.map((frame) => `             ${frame}`)]
  })
  return `${[title, ...lines].map((line) => printable(line.trimEnd())).join('\n')}\n`
}
