/**
 * Waits for `work`, but no longer than the signal allows: rejects with the signal's reason when that comes first.
 * The work itself goes on unobserved; what it holds, it must release by itself.
 */
export async function until<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const ended = Promise.withResolvers<never>()
  const end = () => ended.reject(signal.reason)
  if (signal.aborted) end()
  signal.addEventListener('abort', end, { once: true })
  try {
    return await Promise.race([ended.promise, work])
  } finally {
    signal.removeEventListener('abort', end)
  }
}
