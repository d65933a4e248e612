import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cannot } from '../../../words/cannot.ts'
import { abandonable } from '../../../words/deadline.ts'
import { inParallel } from '../../../words/in-parallel.ts'
import { parseMembership } from '../../../words/membership.ts'
import { plainName, plainPath } from '../../../words/plain.ts'

/** A process whose core the kernel is writing, or whose core's reader has not finished. */
export interface Dumping {
  readonly pid: number
  readonly comm: string
  readonly uid: number
  readonly threads: number
  readonly exe?: string
  /** The service or scope that it runs in. */
  readonly unit?: string
  readonly container?: string
  /** Bytes of it that are in memory or swapped out: the most that its core can hold, nearly. */
  readonly bytes: number
  /** Bytes of private memory that it has asked for, touched or not: a core that passes through a pipe has zeros in their place. */
  readonly reserved: number
}

/** Reads of /proc at once: as many as the pool has threads, with some left for others. */
const AT_ONCE = 8
const POLL_MS = 200

/** The processes that are dumping core, as far as they could be asked in time. */
export interface Dumpings {
  readonly found: readonly Dumping[]
  /** Whether all were asked. */
  readonly isAll: boolean
}

/** The processes below `proc` that are dumping core: `CoreDumping: 1` in proc_pid_status(5). What was found until `enough` aborts. */
export async function dumpingProcesses(proc: string, enough: AbortSignal): Promise<Dumpings> {
  const found: Dumping[] = []
  try {
    const names = await abandonable(readdir(proc), enough).catch(() => [])
    enough.throwIfAborted()
    const pids = names.filter((name) => /^\d+$/.test(name)).map(Number)
    await inParallel(pids, AT_ONCE, async (pid) => {
      const process = await dumpingProcess(proc, pid, enough)
      if (process !== undefined) found.push(process)
    })
    return { found: found.sort((a, b) => a.pid - b.pid), isAll: true }
  } catch {
    return { found, isAll: false }
  }
}

/**
 * Waits until a process has finished dumping, is gone, or `look` gives something, which is then the result. Throws, naming
 * the process, when the signal aborts first.
 */
export async function dumpFinished<T>(
  proc: string,
  { pid, comm }: Dumping,
  signal: AbortSignal,
  look: () => Promise<T | undefined> = async () => undefined,
): Promise<T | undefined> {
  try {
    while ((await dumpingProcess(proc, pid, signal)) !== undefined) {
      const seen = await look()
      if (seen !== undefined) return seen
      await sleep(POLL_MS, undefined, { signal })
    }
    return undefined
  } catch (error) {
    throw cannot(`wait for the core of ${comm}[${pid}], which is still being written`, error)
  }
}

/** A process that is dumping core; undefined where it is not, or is not there. */
export async function dumpingProcess(proc: string, pid: number, signal: AbortSignal): Promise<Dumping | undefined> {
  const asked = async <T>(answer: Promise<T>): Promise<T | undefined> => {
    const told = await abandonable(answer, signal).catch(() => undefined)
    signal.throwIfAborted()
    return told
  }
  const status = (await asked(readFile(join(proc, String(pid), 'status'), 'utf8'))) ?? ''
  if (!/^CoreDumping:\s+1$/m.test(status)) return undefined
  const field = (name: string) => new RegExp(`^${name}:\\s+(.+)$`, 'm').exec(status)?.[1]
  const kib = (name: string) => Number.parseInt(field(name) ?? '0', 10) * 1024
  const cgroup = (await asked(readFile(join(proc, String(pid), 'cgroup'), 'latin1'))) ?? ''
  const { unit, container } = parseMembership(cgroup) ?? {}
  const exe = plainPath(await asked(readlink(join(proc, String(pid), 'exe'))))
  return {
    pid,
    ...(exe !== undefined && { exe }),
    ...(unit !== undefined && { unit }),
    ...(container !== undefined && { container }),
    threads: Number.parseInt(field('Threads') ?? '1', 10),
    comm: plainName(field('Name') ?? String(pid)),
    uid: Number.parseInt(field('Uid') ?? '', 10),
    bytes: kib('VmRSS') + kib('VmSwap'),
    reserved: kib('VmData'),
  }
}
