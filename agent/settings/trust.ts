import type { Stats } from 'node:fs'
import { lstat, readlink, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/**
 * Whoever writes settings decides who reads memory. The daemon's own user, which the collector does not trust, could
 * otherwise do it by a file, by a link to some other file, or by a directory that it may write.
 */
export function trust(stats: Stats, path?: string): void {
  const [what, where] = path === undefined ? ['it', ''] : [path, ` ${path}`]
  if (stats.uid !== 0 && stats.uid !== process.geteuid?.()) {
    throw new Error(`${what} belongs to user ${stats.uid}: chown it to root`)
  }
  if (stats.isSymbolicLink()) return
  if ((stats.mode & 0o002) !== 0) throw new Error(`everybody may write ${what}: chmod o-w${where}`)
  // Where a list (acl(5)) lets somebody in, these bits are the most that anybody in it may.
  if ((stats.mode & 0o020) !== 0 && stats.gid !== 0)
    throw new Error(`group ${stats.gid} may write ${what}: chmod g-w${where}`)
}

/** Links followed in one path: the kernel's own limit, path_resolution(7). */
const MAX_LINKS = 40
/** S_ISVTX of inode(7): only who owns a file in such a directory can take it away. */
const STICKY = 0o1000

/**
 * Trusts nothing less than the whole way to a file or directory: `path`, each directory between `root` and it, and the same
 * for what links on that way lead to. Whoever may write one of them could put another file, or none, in its place.
 * Throws who may, and ENOENT where there is nothing.
 */
export async function trustWay(root: string, path: string): Promise<void> {
  const ahead = path.split('/').filter((name) => name !== '')
  let here = root
  let links = 0
  for (let name = ahead.shift(); name !== undefined; name = ahead.shift()) {
    if (name === '.') continue
    if (name === '..') {
      here = dirname(here)
      continue
    }
    const at = join(here, name)
    const stats = await lstat(at)
    if (ahead.length > 0) trustAbove(stats, at)
    else trust(stats)
    if (!stats.isSymbolicLink()) {
      here = at
      continue
    }
    links += 1
    if (links > MAX_LINKS) throw new Error('its links lead in a circle')
    const target = await readlink(at)
    if (target.startsWith('/')) here = '/'
    ahead.unshift(...target.split('/').filter((part) => part !== ''))
  }
  trust(await stat(here))
}

/** As `trust`, for a directory above: what is in it is judged by itself, so that it may be everybody's if it is sticky. */
function trustAbove(stats: Stats, path: string): void {
  if ((stats.mode & STICKY) === 0 || stats.uid !== 0) trust(stats, path)
}
