import type { FileHandle } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { extract } from 'tar-stream'
import { cannot, sentence } from '../cannot.ts'
import { plain } from '../frames/decode.ts'
import type { Trouble } from './bring.ts'
import { fileBytes, writeAll } from './file-bytes.ts'
import { openBelow, placeBelow } from './place.ts'
import { capped, decodeTrouble } from './restore.ts'

/** A capture's facts are some MiB in a few hundred files. What is larger by far is none, and must not fill the disk. */
const MOST_BYTES = 1024 ** 3
const MOST_FILES = 100_000

export interface Unpacked {
  /** Those unpacked, named below `directory`. */
  readonly files: readonly string[]
  readonly bytes: number
  /** Entries that were left out, one sentence each. */
  readonly refused: readonly string[]
  /** Why there is no more; what came before is unpacked. */
  readonly trouble: Trouble | undefined
}

/** Unpacks the tar whose frames `stored` holds, as far as it goes. `most`: bytes that it may hold. */
export async function unpackFrames(
  stored: FileHandle,
  directory: string,
  folder: string,
  most: number | undefined,
  signal: AbortSignal,
): Promise<Unpacked> {
  let decoding: unknown
  const chunks = async function* () {
    try {
      yield* capped(plain(fileBytes(stored), signal), most)
    } catch (error) {
      decoding = error
      throw error
    }
  }
  const { cut, ...unpacked } = await unpackTar(chunks(), directory, folder, signal)
  if (cut === undefined) return { ...unpacked, trouble: undefined }
  if (cut === decoding) return { ...unpacked, trouble: decodeTrouble(cut, signal) }
  return { ...unpacked, trouble: { status: 'truncated', reason: `cannot unpack all of it: ${sentence(cut)}` } }
}

/**
 * Unpacks the regular files of a tar below `directory`, under `folder`. An archive from elsewhere: what is no file
 * or directory is left out, and no entry lands outside. `cut`: the error that ended it early, of either side.
 */
async function unpackTar(chunks: AsyncIterable<Buffer>, directory: string, folder: string, signal: AbortSignal) {
  const entries = extract()
  let fed: unknown
  const feeding = pipeline(chunks, entries, { signal }).catch((error: unknown) => {
    fed = error
  })
  const refused: string[] = []
  const files: string[] = []
  let bytes = 0
  try {
    for await (const entry of entries) {
      const { name, type } = entry.header
      if (type !== 'file' && type !== 'contiguous-file') {
        if (type !== 'directory') refused.push(`${name}: it is a ${type}`)
        entry.resume()
        continue
      }
      if (files.length === MOST_FILES) throw cannot('unpack it', `it holds more than ${MOST_FILES} files`)
      const file = `${folder}/${name.replace(/^\.\//, '')}`
      const path = await placeBelow(directory, file).catch((error: Error) => error)
      if (path instanceof Error) {
        refused.push(path.message)
        entry.resume()
        continue
      }
      files.push(file)
      await using to = await openBelow(path)
      await to.truncate(0)
      let at = 0
      for await (const chunk of entry as AsyncIterable<Buffer>) {
        bytes += chunk.length
        if (bytes > MOST_BYTES) throw cannot('unpack it', `it holds more than ${MOST_BYTES} bytes`)
        await writeAll(to, chunk, at)
        at += chunk.length
      }
    }
  } catch (error) {
    entries.destroy()
    await feeding
    if (error !== fed) throw error
  }
  await feeding
  return { files, bytes, refused, cut: fed }
}
