/** The same chunks, each seen by `look` on its way; what the consumer hands back goes back to where it came from. */
export async function* passing(
  chunks: AsyncIterable<Buffer>,
  look: (chunk: Buffer) => Promise<void> | void,
): AsyncGenerator<Buffer, void, Buffer | undefined> {
  const source = chunks[Symbol.asyncIterator]()
  try {
    for (let step = await source.next(); step.done !== true; ) {
      await look(step.value)
      const spent: Buffer | undefined = yield step.value
      step = await source.next(spent)
    }
  } finally {
    await source.return?.()
  }
}
