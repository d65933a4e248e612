import tar from 'tar-stream'
import type { Entry } from './entry.ts'

/** Bytes of the two empty blocks that end a tar. */
export const TAR_END = 1024
/** Most bytes an entry takes beyond its content: two headers, an extended header with its long name, padding. */
export const ENTRY_BYTES = 8192
/** More than any entry, so that packing never waits for a reader: entries are in memory anyhow. */
const ROOM = 64 * 1024 * 1024

/** Makes a tar piece by piece; the pieces after one another are the tar. */
export interface TarWriter {
  /** The tar's bytes for one more entry. */
  add(entry: Entry): Promise<Buffer>
  /** The bytes that end it. */
  end(): Buffer
}

/** A new tar whose entries all bear one time: ms since the epoch. */
export function tarWriter(at: number): TarWriter {
  const pack = tar.pack({ highWaterMark: ROOM })
  const taken = () => {
    const chunks: Buffer[] = []
    for (let chunk = pack.read(); chunk !== null; chunk = pack.read()) chunks.push(chunk as Buffer)
    return Buffer.concat(chunks)
  }
  return {
    async add({ name, content }) {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      pack.entry({ name, size: content.length, mode: 0o444, mtime: new Date(at) }, content, (error) =>
        error ? reject(error) : resolve(),
      )
      await promise
      return taken()
    },
    end() {
      return Buffer.alloc(TAR_END)
    },
  }
}
