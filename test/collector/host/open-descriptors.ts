import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, readdirSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'

/** How many of our descriptors a file has open: proc_pid_fd(5). */
export function openTo(path: string): number {
  return openBelow(path).filter((one) => one === path).length
}

/** What we have open whose path begins so. */
export function openBelow(root: string): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`)
      return path.startsWith(root) ? [path] : []
    } catch {
      return []
    }
  })
}

/** The same once what is being closed is closed, which nobody waits for. */
export async function leftOpen(path: string): Promise<number> {
  const until = performance.now() + 10_000
  while (openTo(path) > 0 && performance.now() < until) await sleep(5)
  return openTo(path)
}

/** Makes a file whose reads hang until the test is over, as on a disk that does not answer. */
export function hanging(t: Test, path: string): void {
  execFileSync('mkfifo', [path])
  // Who may write keeps it open: a read waits for what is written.
  const end = openSync(path, constants.O_RDWR)
  t.teardown(() => closeSync(end))
}
