import { Damaged, type ReadBytes } from './image.ts'
import { Recent } from './recent.ts'

/** Bytes that are read at once: a lookup goes to four or five places of a file, and what lies beside is looked at next. */
const PAGE = 16 * 1024
/** Of all files together: what 50 processes need stays, and what does not is read again. */
const MOST_PAGES = 512
/** Most that is asked for in one piece: the sections that are read whole are far smaller. */
const MOST_BYTES = 4 * 1024 * 1024

/** The pages of files that were read last: 8 MiB, however many files there are. */
export class FilePages {
  readonly #pages = new Recent<string, Buffer>(MOST_PAGES)
  #files = 0

  /** Reads a file through these pages. What it gives has all bytes that were asked for, and is not to be written to; else it throws Damaged. */
  of(path: string, read: ReadBytes): ReadBytes {
    const file = this.#files++
    const page = async (number: number, signal: AbortSignal): Promise<Buffer> => {
      const key = `${file}:${number}`
      const known = this.#pages.get(key)
      if (known !== undefined) return known
      try {
        const bytes = await read(number * PAGE, PAGE, signal)
        this.#pages.set(key, bytes)
        return bytes
      } catch (error) {
        signal.throwIfAborted()
        throw new Damaged(`${path} cannot be read: ${error instanceof Error ? error.message : error}`)
      }
    }
    return async (at, length, signal) => {
      const isPlace = Number.isSafeInteger(at) && at >= 0 && Number.isSafeInteger(at + length)
      if (!isPlace || !(length >= 0 && length <= MOST_BYTES)) {
        throw new Damaged(`${path} names a place that it has not: ${length} bytes at ${at}`)
      }
      const parts: Buffer[] = []
      for (let done = 0; done < length; ) {
        const number = Math.floor((at + done) / PAGE)
        const from = at + done - number * PAGE
        const part = (await page(number, signal)).subarray(from, from + length - done)
        if (part.length === 0) throw new Damaged(`${path} ends before byte ${at + length}`)
        parts.push(part)
        done += part.length
      }
      return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
    }
  }
}
