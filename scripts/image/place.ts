import {
  chmod,
  constants,
  copyFile,
  lstat,
  mkdir,
  readdir,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { cannot } from '../../agent/words/cannot.ts'
import { inside, resolved } from './root.ts'

/** One thing to put into the image, at `path` relative to its root. */
export type Entry =
  | { readonly path: string; readonly from: string }
  | { readonly path: string; readonly text: string; readonly executable?: boolean }
  | { readonly path: string; readonly link: string }

/** Every file and link below a directory, relative to it. (`readdir`'s own recursion follows links to directories.) */
export async function pathsBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true })
  const paths = entries.map(async (entry) => {
    if (!entry.isDirectory()) return [entry.name]
    return (await pathsBelow(join(directory, entry.name))).map((path) => join(entry.name, path))
  })
  return (await Promise.all(paths)).flat()
}

/** The same as entries, at the same place in the image. */
export async function entriesBelow(directory: string): Promise<Entry[]> {
  const entries = (await pathsBelow(directory)).map(async (path): Promise<Entry> => {
    const from = join(directory, path)
    return (await lstat(from)).isSymbolicLink() ? { path, link: await readlink(from) } : { path, from }
  })
  return Promise.all(entries)
}

/** Puts an entry into the image. Whoever opens its path at any time sees the old content or all of the new one. */
export async function place(root: string, entry: Entry, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const target = await inside(root, entry.path)
  const partial = `${target}.lastgasp-partial`
  try {
    await rm(partial, { force: true })
    if ('link' in entry) await symlink(entry.link, partial)
    else if ('text' in entry) await writeFile(partial, entry.text)
    else await copyFile(entry.from, partial, constants.COPYFILE_FICLONE)
    if (!('link' in entry)) await chmod(partial, (await executable(entry)) ? 0o755 : 0o644)
    await rename(partial, target)
  } catch (error) {
    await rm(partial, { force: true })
    throw cannot(`write ${target}`, error)
  }
}

async function executable(entry: Entry): Promise<boolean> {
  if ('from' in entry) return ((await stat(entry.from)).mode & 0o100) !== 0
  return 'text' in entry && entry.executable === true
}

/** Makes the directories that `paths` need, and gives those that were not there. */
export async function makeDirectories(root: string, paths: readonly string[]): Promise<string[]> {
  const made: string[] = []
  const wanted = new Set(paths.flatMap((path) => parents(path)))
  for (const directory of wanted) {
    const at = await resolved(root, directory)
    if (
      await stat(at).then(
        (found) => found.isDirectory(),
        () => false,
      )
    )
      continue
    await mkdir(at)
    await chmod(at, 0o755)
    made.push(directory)
  }
  return made
}

/** `a/b/c` → `a`, `a/b` */
function parents(path: string): string[] {
  const parent = dirname(path)
  return parent === '.' ? [] : [...parents(parent), parent]
}
