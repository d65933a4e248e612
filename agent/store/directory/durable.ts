import { lchown, link, mkdir, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Bundles may hold memory that is not sealed: nobody but the owner looks into what is made here, whatever the umask says. */
const DIRECTORY_MODE = 0o700
export const FILE_MODE = 0o600

/**
 * Makes a directory and its parents, so that they outlive a power cut. They belong to whom the directory above belongs: what
 * root makes by hand (`lastgasp check`) must not shut out the daemon's user later.
 */
export async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: DIRECTORY_MODE })
  if (first === undefined) return
  const { uid, gid } = await stat(dirname(first))
  for (let made = path; made.length >= first.length; made = dirname(made)) {
    if (process.getuid?.() === 0) await lchown(made, uid, gid)
    await syncDirectory(dirname(made))
  }
}

/**
 * Gives the file at `temporary` the name `path` too: at once with all of its content, and never over another file
 * (link(2) fails with EEXIST, unlike rename). The name outlives a power cut.
 */
export async function publish(temporary: string, path: string): Promise<void> {
  await link(temporary, path)
  await syncDirectory(dirname(path))
}

async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r')
  await directory.sync()
}
