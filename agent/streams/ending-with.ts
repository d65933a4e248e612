import { abandonable } from '../words/deadline.ts'

/** The same stream until the signal aborts: then it throws the signal's reason, and leaves behind a source that hangs in its read. */
export async function* endingWith<T>(stream: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T, void, void> {
  const source = stream[Symbol.asyncIterator]()
  try {
    for (;;) {
      const step = await abandonable(source.next(), signal)
      if (step.done === true) return
      yield step.value
    }
  } finally {
    // One that hangs answers this only when its read ends: nobody waits for it.
    Promise.resolve(source.return?.()).catch(() => {})
  }
}
