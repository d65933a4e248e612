import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { abandonable } from '../../../words/deadline.ts'
import { fewAtATime } from '../../host/few-at-a-time.ts'

/** dpkg's lists of files, one a package and architecture: dpkg(1), "Internal control files"; deb-md5sums has them, too. */
const LISTS = 'var/lib/dpkg/info'
/** Where a merged /usr has two names for a file, of which dpkg knows one: https://wiki.debian.org/UsrMerge */
const MERGED = /^\/usr(\/(?:bin|sbin|lib(?:32|64|x32)?)\/.*)$/
/** Where files come from packages only, whatever the package manager. */
const PLACES = /^\/((usr\/(?!local\/))|s?bin\/|lib(32|64|x32)?\/|nix\/store\/|gnu\/store\/|snap\/)/

/** Which of these paths belong to a package of the file tree at `tree`: EXECUTABLES.md. */
export async function packagedPaths(
  tree: string,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const directory = join(tree, LISTS)
  const names = await abandonable(readdir(directory), signal).catch(() => [])
  const lists = names.filter((name) => name.endsWith('.list'))
  signal.throwIfAborted()
  if (lists.length === 0) return new Set(paths.filter((path) => PLACES.test(path)))
  const wanted = new Map(paths.flatMap((path) => namesOf(path).map((name) => [name, path] as const)))
  const found = new Set<string>()
  await fewAtATime(lists, async (list) => {
    if (found.size === paths.length) return
    const text = await abandonable(readFile(join(directory, list), 'utf8'), signal).catch(() => '')
    signal.throwIfAborted()
    for (const line of text.split('\n')) {
      const path = wanted.get(line)
      if (path !== undefined) found.add(path)
    }
  })
  return found
}

function namesOf(path: string): string[] {
  const merged = MERGED.exec(path)?.[1]
  return merged === undefined ? [path] : [path, merged]
}
