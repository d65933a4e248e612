import { type FSWatcher, watch } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { DIRECTORIES } from '../../settings/files.ts'
import { ENVIRONMENT_FILE } from './environment.ts'
import { IDENTITY_FILES } from './identity.ts'

/** A directory whose entries matter: all of them, or those of these names. It need not exist. */
export interface Watched {
  readonly directory: string
  readonly names: ReadonlySet<string> | undefined
}

/** How a watch begins: node:fs has it, and in tests one fails. */
export type Begin = (path: string, heard: (event: string, name: string | null) => void) => FSWatcher

/** What a standing is made of, below `root`. Files of sysfs tell nobody of changes, and have none. */
export function standingFiles(root: string): readonly Watched[] {
  const whole = DIRECTORIES.map(([, directory]) => ({ directory: join(root, directory), names: undefined }))
  const files = [ENVIRONMENT_FILE, ...IDENTITY_FILES.filter((file) => !file.startsWith('sys/'))]
  return [
    ...whole,
    ...files.map((file) => ({ directory: join(root, dirname(file)), names: new Set([basename(file)]) })),
  ]
}

/**
 * Calls `onChange` when a directory's entries may have changed, also when it comes, goes, or is replaced: where it is not there,
 * the nearest directory above is watched for it. Where the kernel gives no watch (inotify(7): their number is limited, some
 * file systems have none), nothing is heard, nor where one above a directory that is there is replaced: `arm` now and then, and look.
 */
export class DirectoryWatch implements Disposable {
  readonly #watched: Watched
  readonly #onChange: () => void
  readonly #begin: Begin
  #watcher: FSWatcher | undefined
  /** Which directory the watcher is on: path, device and inode. */
  #on = ''
  #arming: Promise<void> | undefined
  /** Somebody wants it armed, maybe since the arming under way has looked. */
  #asked = false
  #closed = false

  constructor(watched: Watched, onChange: () => void, begin: Begin = watch) {
    this.#watched = watched
    this.#onChange = onChange
    this.#begin = begin
  }

  /** Sees to it that the right directory is watched. Never rejects. */
  async arm(): Promise<void> {
    this.#asked = true
    this.#arming ??= this.#follow()
    await this.#arming
  }

  [Symbol.dispose](): void {
    this.#closed = true
    this.#watcher?.close()
  }

  async #follow(): Promise<void> {
    while (this.#asked) {
      this.#asked = false
      await this.#descend()
    }
    this.#arming = undefined
  }

  async #descend(): Promise<void> {
    // More than once, for what is watched for may have come before its watch.
    for (;;) {
      const { path, on } = await deepest(this.#watched.directory)
      if (on === this.#on || this.#closed) return
      this.#watcher?.close()
      this.#on = ''
      try {
        this.#watcher = this.#watch(path)
      } catch {
        return
      }
      this.#on = on
      this.#onChange()
    }
  }

  #watch(path: string): FSWatcher {
    const watcher = this.#begin(path, (_, name) => this.#heard(path, name))
    watcher.on('error', () => this.#lost(watcher))
    return watcher
  }

  #lost(watcher: FSWatcher): void {
    watcher.close()
    if (this.#watcher === watcher) this.#on = ''
  }

  /** An entry's name, or the directory's own when it has gone itself. */
  #heard(path: string, name: string | null): void {
    const { directory, names } = this.#watched
    const own = name === null || name === basename(path)
    const next = path === directory ? undefined : directory.slice(path === '/' ? 1 : path.length + 1).split('/', 1)[0]
    const matters = own || (next === undefined ? (names?.has(name) ?? true) : name === next)
    if (!matters) return
    if (path === directory) this.#onChange()
    if (own || next !== undefined) void this.arm()
  }
}

/** The directory itself, or the nearest one above that is there. */
async function deepest(directory: string): Promise<{ readonly path: string; readonly on: string }> {
  for (let path = directory; ; path = dirname(path)) {
    const stats = await stat(path).catch(() => undefined)
    if (stats?.isDirectory() === true) return { path, on: `${path} ${stats.dev} ${stats.ino}` }
    if (path === dirname(path)) return { path, on: '' }
  }
}
