import { constants, type Stats } from 'node:fs'
import { lstat, mkdir, open, realpath } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'

/** Permissions to write: of everybody, of the group; and the bit that lets only owners remove (inode(7)). */
const BY_OTHERS = 0o002
const BY_GROUP = 0o020
const STICKY = 0o1000
const ROOT_GROUP = 0

/**
 * Makes a directory that only its owner reaches (mode 0700), and whatever is missing above it, or takes one of our own that is there. Gives
 * its path without symbolic links. Throws where anybody else could change what lies in it, or put another one in its place.
 */
export async function ownDirectory(wished: string): Promise<string> {
  if ((await lstat(wished).catch(() => undefined))?.isSymbolicLink()) throw new Error('it is a symbolic link')
  const { there, missing } = await deepest(wished)
  // From the root on: what is above has been found to be unchangeable when a directory is looked at, so by its path alone it cannot be
  // exchanged for another one between two looks.
  for (const path of lineage(missing.length === 0 ? dirname(there) : there)) {
    const whose = othersMayChange(await lstat(path))
    if (whose !== undefined) throw new Error(`${path} is above it, and ${whose}; name a directory elsewhere with --to`)
  }
  let path = there
  for (const part of missing) {
    path = join(path, part)
    await mkdir(path, { mode: 0o700 })
  }
  await closeToOthers(path)
  return path
}

/** Why a directory that we are about to write in is not ours alone; undefined where it is. */
export function notOurs({ uid, mode }: Stats): string | undefined {
  if (uid !== me()) return `it belongs to the user ${uid}`
  if ((mode & (BY_OTHERS | BY_GROUP)) !== 0)
    return 'others may write in it; chmod 700 it, or name another one with --to'
  return undefined
}

/** Judged and changed by its descriptor: what is looked at is what is used. */
async function closeToOthers(path: string): Promise<void> {
  await using directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  const stats = await directory.stat()
  const why = notOurs(stats)
  if (why !== undefined) throw new Error(why)
  if ((stats.mode & 0o777) !== 0o700) await directory.chmod(0o700)
}

/** The deepest part of a path that exists, without symbolic links, and the names that are missing below it. */
async function deepest(wished: string): Promise<{ there: string; missing: readonly string[] }> {
  for (let path = wished; ; path = dirname(path)) {
    const there = await realpath(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT' || path === dirname(path)) throw error
    })
    if (there !== undefined)
      return {
        there,
        missing: relative(path, wished)
          .split(sep)
          .filter((part) => part !== ''),
      }
  }
}

/** A directory and all above it, from the root on. */
function lineage(path: string): string[] {
  return path === dirname(path) ? [path] : [...lineage(dirname(path)), path]
}

/**
 * Why somebody else than we and root could exchange what lies in a directory that is not ours to fill. A group that has the number of its user is
 * that user's own, as distributions make them.
 */
function othersMayChange({ uid, gid, mode }: Stats): string | undefined {
  if (uid !== 0 && uid !== me()) return `it belongs to the user ${uid}`
  const isOwnGroup = gid === ROOT_GROUP || gid === me()
  const isOpen = (mode & BY_OTHERS) !== 0 || ((mode & BY_GROUP) !== 0 && !isOwnGroup)
  return isOpen && (mode & STICKY) === 0 ? 'others may write in it' : undefined
}

const me = () => process.geteuid?.() ?? 0
