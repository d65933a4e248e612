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

/** A new tar; what was no file of the host bears this time: ms since the epoch. */
export function tarWriter(at: number): TarWriter {
  const pack = tar.pack({ highWaterMark: ROOM })
  // It opens when it is first read, and then in a turn of its own: without this the first entry would come with the second.
  pack.read()
  const taken = () => {
    const chunks: Buffer[] = []
    for (let chunk = pack.read(); chunk !== null; chunk = pack.read()) chunks.push(chunk as Buffer)
    return Buffer.concat(chunks)
  }
  return {
    async add({ name, content, kept }) {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const header = kept === undefined ? { mode: 0o444, mtime: new Date(at) } : headerOf(kept)
      pack.entry({ name, size: content.length, ...header }, content, (error) => (error ? reject(error) : resolve()))
      await promise
      return taken()
    },
    end() {
      return Buffer.alloc(TAR_END)
    },
  }
}

/** What a field of six octal digits holds: larger ids are in an extended header. */
const MOST_ID = 0o777777
/** s; the writer counts in 32 bits. */
const MOST_TIME = 2 ** 31 - 1

/** Without set-user-id and the like: whoever unpacks it as root shall not be given a program of the host's to run as another. */
function headerOf({ uid, gid, mode, mtimeMs }: NonNullable<Entry['kept']>) {
  const time = Math.min(Math.max(0, Math.floor(mtimeMs / 1000)), MOST_TIME)
  const isLarge = uid > MOST_ID || gid > MOST_ID
  const ids = isLarge ? { uid: 0, gid: 0, pax: { uid: `${uid}`, gid: `${gid}` } } : { uid, gid }
  return { ...ids, mode: mode & 0o777, mtime: new Date(time * 1000) }
}
