import { posix } from 'node:path'

/** So many are told one by one: a process has dozens, and it is the other rows that somebody looks for. */
const FEW = 3
/** Of more, so many are named. */
const NAMED = 2

const LIBRARY = /^executables\/.*\.so(?:\.[\w.+-]+)?$/

/** The rows of a table without its many libraries that are all there, and what is to be said of these in one. */
export function librariesApart<T extends { readonly artifact: string; readonly status: string }>(
  all: readonly T[],
): { readonly others: readonly T[]; readonly libraries: readonly T[]; readonly told: string } {
  const fine = ({ status }: T) => status === 'complete' || status === 'ok' || status === 'sealed'
  const libraries = all.filter((one) => fine(one) && LIBRARY.test(plainName(one)))
  if (libraries.length <= FEW) return { others: all, libraries: [], told: '' }
  const names = libraries.slice(0, NAMED).map((one) => posix.basename(plainName(one)))
  const told = `${libraries.length} libraries: ${names.join(', ')} and ${libraries.length - NAMED} more`
  const apart = new Set(libraries)
  return { others: all.filter((one) => !apart.has(one)), libraries, told }
}

const plainName = ({ artifact }: { readonly artifact: string }) => artifact.replace(/\.zst$/, '')
