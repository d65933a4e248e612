import type { Lease } from '../../streams/lease.ts'

/** The same chunks, each seen by `look` on its way. */
export async function* passing(
  chunks: AsyncIterable<Lease>,
  look: (chunk: Buffer) => Promise<void> | void,
): AsyncGenerator<Lease, void, void> {
  for await (const chunk of chunks) {
    await look(chunk.bytes)
    yield chunk
  }
}
