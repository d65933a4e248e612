import { readdirSync, readlinkSync } from 'node:fs'

/** How many of our descriptors a file has open: proc_pid_fd(5). */
export function openTo(path: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path
    } catch {
      return false
    }
  }).length
}
