import { constants } from 'node:fs'
import { type FileHandle, lstat, mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { cannot } from '../../words/cannot.ts'
import { isHeeded, safeParts } from '../bundle/names.ts'
import { notOurs } from './own-directory.ts'

/** How much of a name is told when it is refused: a host may have made it of any length. */
const TOLD = 200

/**
 * The path of a file below `directory`, whose parent directories are made (mode 0700). `name` is foreign input: it never leads
 * out of the directory, not through a symlink that lies there either, and never is one that programs heed by themselves. By paths and not by
 * descriptors: `directory` is our own (`ownDirectory`), so nobody else can change anything below it between two looks.
 */
export async function placeBelow(directory: string, name: string): Promise<string> {
  const doing = `write "${name.slice(0, TOLD)}" below ${directory}`
  const parts = safeParts(name)
  if ('refused' in parts) throw cannot(doing, parts.refused)
  if (isHeeded(name)) throw cannot(doing, 'programs heed files of that name unasked')
  let path = directory
  for (const part of parts.slice(0, -1)) {
    path = join(path, part)
    await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw cannot(`make the directory ${path}`, error)
    })
    const stats = await lstat(path)
    const why = stats.isDirectory() ? notOurs(stats) : `${path} is no directory`
    if (why !== undefined) throw cannot(doing, why)
  }
  const last = join(path, parts.at(-1) ?? '')
  const there = await lstat(last).catch(() => undefined)
  if (there !== undefined && !there.isFile()) throw cannot(`write ${last}`, 'something else than a file is there')
  return last
}

/** Opens a file that `placeBelow` named, for reading and writing, and makes it (mode 0600) where there is none. */
export async function openBelow(path: string): Promise<FileHandle> {
  // NONBLOCK: a FIFO that was put there must not hang us before it is seen to be none of ours.
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const file = await open(path, flags, 0o600).catch((error: unknown) => {
    throw cannot(`write ${path}`, error)
  })
  const stats = await file.stat()
  if (stats.isFile() && stats.nlink === 1 && notOurs(stats) === undefined) {
    if ((stats.mode & 0o777) !== 0o600) await file.chmod(0o600)
    return file
  }
  await file.close()
  throw cannot(`write ${path}`, 'something else than a file of its own is there; move it away')
}

/** Writes a file of ours anew, by a path that `placeBelow` named. */
export async function writeOwn(path: string, content: string | Uint8Array): Promise<void> {
  await using file = await openBelow(path)
  await file.truncate(0)
  await file.writeFile(content)
}
