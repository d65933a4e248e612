import { lchown, link, lstat, mkdir, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { cannot } from '../../words/cannot.ts'

/** Bundles may hold memory that is not sealed: nobody but the owner looks into what is made here, whatever the umask says. */
const DIRECTORY_MODE = 0o700
export const FILE_MODE = 0o600

/**
 * Makes a directory and its parents, so that they outlive a power cut. They belong to whom the directory above belongs: what
 * root makes by hand (`lastgasp check`) must not shut out the daemon's user later.
 */
export async function makeDirectory(path: string): Promise<void> {
  const first = await makeMissing(path)
  if (first === undefined) return
  const { uid, gid } = await stat(dirname(first))
  for (let made = path; made.length >= first.length; made = dirname(made)) {
    if (process.getuid?.() === 0) await lchown(made, uid, gid)
    await syncDirectory(dirname(made))
  }
}

/**
 * Makes a directory and those above it that are not there; gives the topmost one that it made. Not by mkdir's own `recursive`:
 * where a directory refuses with ENOENT, as /proc does, Node tries for ever.
 */
async function makeMissing(path: string): Promise<string | undefined> {
  try {
    return await make(path)
  } catch (error) {
    const above = dirname(path)
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || above === path) throw error
    const first = await makeMissing(above)
    const last = await make(path)
    return first ?? last
  }
}

/** Makes one directory; gives it, or undefined where it is there already. */
async function make(path: string): Promise<string | undefined> {
  try {
    await mkdir(path, { mode: DIRECTORY_MODE })
    return path
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST' && (await stat(path)).isDirectory()) return undefined
    throw error
  }
}

/** The name is there, and may not outlive a power cut: the cause says why. */
export class NotDurable extends Error {
  constructor(path: string, cause: unknown) {
    super(cannot(`keep the name ${path}`, cause).message, { cause })
    this.name = 'NotDurable'
  }
}

/**
 * Gives the file at `temporary` the name `path` too, unless it has it: at once with all of its content, and never over
 * another file (link(2) fails with EEXIST, unlike rename). The name outlives a power cut; throws NotDurable where that fails.
 */
export async function publish(temporary: string, path: string): Promise<void> {
  await link(temporary, path).catch(async (error: NodeJS.ErrnoException) => {
    if (!(error.code === 'EEXIST' && (await sameFile(temporary, path)))) throw error
  })
  await syncDirectory(dirname(path)).catch((error: unknown) => {
    throw new NotDurable(path, error)
  })
}

async function sameFile(one: string, other: string): Promise<boolean> {
  const [{ dev, ino }, second] = await Promise.all([lstat(one), lstat(other)])
  return dev === second.dev && ino === second.ino
}

/** What was made, renamed or removed in it outlives a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r')
  await directory.sync()
}
