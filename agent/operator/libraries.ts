import { posix } from 'node:path'
import { ROOT } from './landing.ts'
import { isPlain } from './operand.ts'

const LIBRARY = /\.so(\.[\w.+-]+)?$/
/** Directories that gdb is told of; each library is looked for in all of them. */
const MOST = 64

/** Where among fetched files there are libraries, as gdb's `solib-search-path` takes it; empty where there is none. */
export function libraryPath(files: readonly string[]): string {
  const found = files
    .filter((name) => name.startsWith(`${ROOT}/`) && LIBRARY.test(posix.basename(name)))
    .map(posix.dirname)
  // A colon would end the name for gdb.
  const plain = found.filter((name) => isPlain(name) && !name.includes(':'))
  return [...new Set(plain)].toSorted().slice(0, MOST).join(':')
}
