import type { Scope } from '../../words/memory-scope.ts'
import { CACHE, FREE, KERNEL, OBJECTS, SHMEM, USER } from './page-class.ts'

/** Whole classes that a scope wants, as positions in CLASSES. Of the unit's scope some single pages come on top. */
export function wantedClasses({ kind }: Scope): ReadonlySet<number> {
  switch (kind) {
    case 'off':
      return new Set()
    case 'kernel':
    case 'kernel+unit':
      return new Set([OBJECTS, KERNEL])
    case 'kernel+shmem':
      return new Set([OBJECTS, KERNEL, SHMEM])
    case 'all':
      return new Set([OBJECTS, KERNEL, SHMEM, USER, CACHE, FREE])
  }
}
