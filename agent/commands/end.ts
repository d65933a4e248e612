import { existsSync, readdirSync, readFileSync } from 'node:fs'

const SHELL = '/bin/sh'

/**
 * Ends the process with `process.exitCode`, after everything has been said, whatever is still under way: a helper of the
 * SDK (`credential_process`) that hangs, a name server or a file that does not answer. Helpers end with it.
 */
export function end(): never {
  for (const helper of descendants(process.pid)) tell(helper)
  const code = Number(process.exitCode ?? 0)
  // `exit` waits for the pool's threads. Another program in place of this one is the only end with a code that does not.
  if (poolIsBusy() && existsSync(SHELL)) process.execve?.(SHELL, ['sh', '-c', `exit ${code}`])
  process.exit(code)
}

function tell(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM')
  } catch {
    // It has just ended by itself.
  }
}

/** The processes that `pid` has started, and theirs, by Linux's own list (proc_tid_children(5)); none where there is no such list. */
function descendants(pid: number): number[] {
  const words = tasksOf(pid).flatMap((task) => read(`/proc/${pid}/task/${task}/children`).split(' '))
  const children = words.filter((word) => word !== '').map(Number)
  return [...children.flatMap(descendants), ...children]
}

/**
 * Whether a thread of libuv's pool does anything but wait for work (a futex, in proc_pid_wchan(5)). Node's own list of
 * active requests lacks reads by a FileHandle.
 */
function poolIsBusy(): boolean {
  const tasks = tasksOf(process.pid).map((task) => `/proc/self/task/${task}`)
  return tasks.some(
    (task) => read(`${task}/comm`).trim() === 'libuv-worker' && !read(`${task}/wchan`).includes('futex'),
  )
}

function tasksOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
