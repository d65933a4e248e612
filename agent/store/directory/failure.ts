import { cannot } from '../../words/cannot.ts'
import { abandonable } from '../../words/deadline.ts'
import { StoreError, type StoreFailure } from '../store.ts'
import { NotDurable } from './durable.ts'

/** errno(3) names that mean more than "try again". A full disk or a bad sector may be cured: transient. */
const FAILURES: Readonly<Record<string, StoreFailure>> = {
  ENOENT: 'missing',
  EACCES: 'denied',
  EROFS: 'denied',
  // link(2): also what a file system without hard links says.
  EPERM: 'denied',
  ENAMETOOLONG: 'permanent',
  ENOTDIR: 'permanent',
  EISDIR: 'permanent',
  ELOOP: 'permanent',
}

/** Does `work` unless the signal has ended, waits for it no longer than the signal, and fails as a StoreError. */
export async function onDisk<T>(what: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    signal.throwIfAborted()
    return await abandonable(work(), signal)
  } catch (thrown) {
    throw storeError(what, thrown)
  }
}

/** The StoreError for what a file system call threw. */
export function storeError(what: string, thrown: unknown): StoreError {
  if (thrown instanceof StoreError) return thrown
  const doubtful = thrown instanceof NotDurable
  const { cause } = doubtful ? thrown : { cause: thrown }
  return new StoreError(failureOf(cause as NodeJS.ErrnoException), cannot(what, thrown).message, { cause, doubtful })
}

function failureOf({ code = '', syscall }: NodeJS.ErrnoException): StoreFailure {
  // From mkdir(2), it means that a file lies where a directory should be.
  if (code === 'EEXIST') return syscall === 'link' ? 'exists' : 'permanent'
  // And this, that the directory above takes none, as in /proc.
  if (code === 'ENOENT' && syscall === 'mkdir') return 'permanent'
  return FAILURES[code] ?? 'transient'
}
