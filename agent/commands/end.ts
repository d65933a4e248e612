import { existsSync, readdirSync, readFileSync } from 'node:fs'

/** Requests that keep one of the pool's threads: `process.exit` waits until the thread is free, and it may hang for good. */
const KEEPS_A_THREAD = /^(FSReq|GetAddrInfo|GetNameInfo)/
const SHELL = '/bin/sh'

/**
 * Ends the process with `process.exitCode`, after everything has been said, whatever is still under way: a helper of the
 * SDK (`credential_process`) that hangs, a name server that does not answer. Helpers end with it.
 */
export function end(): never {
  for (const helper of descendants(process.pid)) tell(helper)
  const code = Number(process.exitCode ?? 0)
  // Another program in place of this one is the only end with an exit code that waits for no thread.
  if (process.getActiveResourcesInfo().some((kind) => KEEPS_A_THREAD.test(kind)) && existsSync(SHELL))
    process.execve?.(SHELL, ['sh', '-c', `exit ${code}`])
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
  const children = tasksOf(pid).flatMap((task) => childrenOf(pid, task))
  return [...children.flatMap(descendants), ...children]
}

function tasksOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
}

function childrenOf(pid: number, task: string): number[] {
  try {
    const list = readFileSync(`/proc/${pid}/task/${task}/children`, 'latin1')
    return list.split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
}
