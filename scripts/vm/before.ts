import { cannot } from '../../agent/words/cannot.ts'

/** What a promise gives, unless the signal comes first: then it rejects with what could not be done. */
export async function before<T>(signal: AbortSignal, promise: Promise<T>, what: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const abort = () => reject(cannot(what, signal.reason))
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort)
  try {
    return await Promise.race([promise, late])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
