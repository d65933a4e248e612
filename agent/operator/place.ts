import { constants } from 'node:fs'
import { type FileHandle, lstat, mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { cannot } from '../cannot.ts'
import { safeParts } from './names.ts'

/**
 * The path of a file below `directory`, whose parent directories are made. `name` is foreign input: it never leads
 * out of the directory, not through a symlink that lies there either.
 */
export async function placeBelow(directory: string, name: string): Promise<string> {
  const parts = safeParts(name)
  if ('refused' in parts) throw cannot(`write "${name}" below ${directory}`, parts.refused)
  let path = directory
  for (const part of parts.slice(0, -1)) {
    path = join(path, part)
    await mkdir(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw cannot(`make the directory ${path}`, error)
    })
    if (!(await lstat(path)).isDirectory())
      throw cannot(`write "${name}" below ${directory}`, `${path} is no directory`)
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
  const stat = await file.stat()
  if (stat.isFile() && stat.nlink === 1) return file
  await file.close()
  throw cannot(`write ${path}`, 'something else than a file of its own is there; move it away')
}
