import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { shownName } from '../../words/host-name.ts'

/**
 * A file of /proc at once; undefined where it is not to be had. Only for those that the kernel gives without waiting for
 * anybody's lock, as `stat`, `status`, `schedstat` and `wchan` (fs/proc/base.c, array.c): a tenth of what a read by the pool
 * costs, which on a host without an idle CPU is the difference between all processes and some.
 */
export function readNow(root: string, path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8')
  } catch {
    return undefined
  }
}

/** The same for a link, as `exe`. */
export function linkNow(root: string, path: string): string | undefined {
  try {
    return shownName(readlinkSync(join(root, path), 'latin1'))
  } catch {
    return undefined
  }
}

/** Whether there is such a file, for which no descriptor is needed. */
export function isThere(root: string, path: string): boolean {
  return existsSync(join(root, path))
}
