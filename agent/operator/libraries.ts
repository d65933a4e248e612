import { posix } from 'node:path'
import { ROOT } from './landing.ts'

/** Libraries that were kept lie at their place below the root; a colon would end the name for gdb, and the rest is for a shell. */
const LIBRARY = /^[\w@%+=,./-]+\.so(\.[\w.+-]+)?$/
/** Directories that gdb is told of; each library is looked for in all of them. */
const MOST = 64

/** Where among fetched files there are libraries, as gdb's `solib-search-path` takes it; empty where there is none. */
export function libraryPath(files: readonly string[]): string {
  const found = files.filter((name) => name.startsWith(`${ROOT}/`) && LIBRARY.test(name)).map(posix.dirname)
  return [...new Set(found)].toSorted().slice(0, MOST).join(':')
}
