/**
 * What `work` makes of each item, in the order of the items, with at most `width` on the way at a time. The first
 * error ends it: nothing more is begun, and what is on its way is awaited.
 */
export async function inParallel<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  let next = 0
  let failed = false
  const worker = async () => {
    while (next < items.length && !failed) {
      const index = next++
      try {
        results[index] = await work(items[index] as T)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: Math.min(width, items.length) }, worker))
  for (const end of ended) if (end.status === 'rejected') throw end.reason
  return results
}
