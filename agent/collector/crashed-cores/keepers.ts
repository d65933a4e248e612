import type { Stats } from 'node:fs'
import { lstat, readFile, realpath } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'

/** Write permission of group and others, and the sticky bit, by which nobody renames what belongs to another: inode(7). */
const OTHERS_WRITE = 0o022
export const STICKY = 0o1000

/** Whether nobody but the host itself (root, or who runs this) may put something into a file or directory. */
export function isHostsOwn({ uid, mode }: Pick<Stats, 'uid' | 'mode'>): boolean {
  return isHost(uid) && (mode & OTHERS_WRITE) === 0
}

/** Root, or who runs this. */
export const isHost = (uid: number) => uid === 0 || uid === process.geteuid?.()

/**
 * Whether nobody but the host may put something into a directory, by its own permissions and those of all above it up to `root`:
 * names and attributes of files in it are the host's word then. Throws where the directory cannot be looked at.
 */
export async function isKeptByHost(root: string, directory: string): Promise<boolean> {
  const [top, real] = await Promise.all([realpath(root), realpath(join(root, directory))])
  if (!isHostsOwn(await lstat(real))) return false
  for (let above = dirname(real); real !== top && isBelow(top, above); above = dirname(above)) {
    const stats = await lstat(above)
    // In a sticky directory others may make new names, but not take away those of the host.
    if (!isHostsOwn(stats) && !(isHost(stats.uid) && (stats.mode & STICKY) !== 0)) return false
    if (above === top) break
  }
  return true
}

function isBelow(top: string, path: string): boolean {
  return !relative(top, path).startsWith('..')
}

/**
 * Whether a file in a directory where others may write was put there by its owner: not where anybody may give a file of somebody
 * else another name (fs.protected_hardlinks in proc_sys_fs(5), which systemd sets).
 */
export async function linksAreGuarded(root: string): Promise<boolean> {
  const text = await readFile(join(root, 'proc/sys/fs/protected_hardlinks'), 'latin1').catch(() => '0')
  return text.trim() === '1'
}
