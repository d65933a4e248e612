/**
 * What `work` makes of each item, in the order of the items, with at most `width` on the way at a time, begun in order. The first
 * error ends it: nothing more is begun, and what is on its way is awaited, so whatever may hang is to end with its own signal.
 */
export async function inParallel<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  width: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const queue = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
  const results: R[] = []
  let begun = 0
  let failure: { readonly error: unknown } | undefined
  const worker = async () => {
    try {
      while (failure === undefined) {
        const next = queue.next()
        // To await what is there already would cost a turn for each item.
        const { done, value } = next instanceof Promise ? await next : next
        if (done === true) return
        const index = begun++
        results[index] = await work(value)
      }
    } catch (error) {
      failure ??= { error }
      // Not waited for: it may have a read of its own on the way.
      Promise.resolve(queue.return?.()).catch(() => {})
    }
  }
  await Promise.all(Array.from({ length: width }, worker))
  if (failure !== undefined) throw (failure as { readonly error: unknown }).error
  return results
}
