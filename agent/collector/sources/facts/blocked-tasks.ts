import { printable } from '../../../words/printable.ts'
import { fewAtATime } from '../../host/few-at-a-time.ts'
import type { HostReads } from '../../host/host-reads.ts'
import { inTurns } from '../../host/in-turns.ts'
import { parseStat } from '../../host/process-files.ts'
import { numbered, type Process } from '../../host/processes.ts'

/** Threads whose state is looked at: 45 µs each, 0.45 s. */
const THREADS = 10_000
/** Of one process no more than this. */
const THREADS_OF_ONE = 1000
/** ms for all of them, of which this process was run. */
const THREADS_WAIT = 500
/** Blocked ones that are described: a hang shows in the first few, the rest wait behind them. */
const DESCRIBED = 128

/** A thread that has ended is no news. */
const DETAIL = { optional: true, detail: true } as const

/**
 * blocked-tasks.txt: every thread in uninterruptible sleep with what it waits for: kernel function, system call, and
 * kernel stack, as `proc_pid_stack(5)` and its neighbours give it.
 */
export async function readBlockedTasks(reads: HostReads, processes: readonly Process[]): Promise<string> {
  const blocked = await findBlocked(reads, processes)
  if (blocked.length > DESCRIBED)
    reads.ledger.lost('blocked-tasks.txt', `${blocked.length - DESCRIBED} tasks left out`, DETAIL)
  if (blocked.length === 0) return 'No task is in uninterruptible sleep.\n'
  const texts: string[] = []
  for (const { process, tid, comm } of blocked.slice(0, DESCRIBED)) {
    const text = async (name: string) =>
      (await reads.text(`proc/${process.pid}/task/${tid}/${name}`, { ...DETAIL, once: true }))?.trimEnd() || '-'
    const known = process.unit === undefined ? '' : ` of ${printable(process.unit)}`
    const unit = process.isPlaced ? known : ' of an unknown unit'
    const stack = (await text('stack')).replace(/^/gm, '  ')
    texts.push(
      `${printable(comm)}, task ${tid} of process ${process.pid}${unit}\n` +
        `  waits in ${await text('wchan')}, system call ${await text('syscall')}\n${stack}\n`,
    )
  }
  return texts.join('\n')
}

interface Blocked {
  readonly process: Process
  readonly tid: number
  readonly comm: string
}

async function findBlocked(reads: HostReads, processes: readonly Process[]): Promise<readonly Blocked[]> {
  const until = reads.time.now() + THREADS_WAIT
  const blocked: Blocked[] = []
  let left = THREADS
  let missed = false
  await fewAtATime(inTurns(processes, uidOf), async (process) => {
    if (process.threads <= 1) {
      if (process.state === 'D') blocked.push({ process, tid: process.pid, comm: process.comm })
      return
    }
    const tids = numbered(await reads.names(`proc/${process.pid}/task`, DETAIL))
    missed ||= tids.length > THREADS_OF_ONE
    for (const tid of tids.slice(0, THREADS_OF_ONE)) {
      if (--left < 0 || reads.time.now() > until) {
        missed = true
        return
      }
      const line = await reads.text(`proc/${process.pid}/task/${tid}/stat`, { ...DETAIL, once: true })
      const task = line === undefined ? undefined : parseStat(line, 1)
      if (task?.state === 'D') blocked.push({ process, tid, comm: task.comm })
    }
  })
  if (missed) reads.ledger.lost('blocked-tasks.txt', 'not every thread was looked at', DETAIL)
  const ordered = blocked.sort((a, b) => a.process.pid - b.process.pid || a.tid - b.tid)
  return inTurns(ordered, ({ process }) => uidOf(process))
}

/** Whose it is: any user can have threads that wait, and those of the others are not to be missed for it. */
const uidOf = ({ uid }: Process) => uid
