import * as fs from 'node:fs'
import { promisify } from 'node:util'

/** Bytes taken of one file where nobody says otherwise: the longest of the usual ones, /proc/stat of 256 CPUs, is 40 KiB. */
export const FILE_BYTES = 64 * 1024

const open = promisify(fs.open)
const read = promisify(fs.read)

/** How a file is read. */
export interface ContentOptions {
  /** Most bytes taken. */
  readonly limit?: number
  /** The file is made by one `show` in the kernel: a read that does not fill the buffer has all of it. */
  readonly once?: boolean
}

/** Reads thousands of small files, one after the other or a few at a time, into the same memory. */
export class SmallFiles {
  readonly #scratch: Buffer[] = []

  /** What `made` makes of a file's content up to the limit (it must not keep those bytes), and whether there was more. */
  async read<T>(
    path: Buffer,
    { limit = FILE_BYTES, once = false }: ContentOptions,
    made: (content: Buffer) => T,
  ): Promise<{ readonly content: T; readonly isCut: boolean }> {
    const scratch = this.#scratch.pop() ?? Buffer.allocUnsafeSlow(FILE_BYTES)
    const fd = await open(path, 'r').catch((thrown) => {
      this.#scratch.push(scratch)
      throw thrown
    })
    try {
      const full: Buffer[] = []
      let taken = 0
      let filled = 0
      for (;;) {
        // Asks for a byte more than it keeps, to know whether there was more.
        const room = Math.min(scratch.length - filled, limit + 1 - taken)
        const { bytesRead } = await read(fd, scratch, filled, room, null)
        filled += bytesRead
        taken += bytesRead
        if (bytesRead === 0 || taken > limit || (once && bytesRead < room)) break
        if (filled === scratch.length) {
          full.push(Buffer.from(scratch))
          filled = 0
        }
      }
      const last = scratch.subarray(0, filled)
      const all = full.length === 0 ? last : Buffer.concat([...full, last])
      return { content: made(all.subarray(0, limit)), isCut: taken > limit }
    } finally {
      this.#scratch.push(scratch)
      fs.close(fd, () => {})
    }
  }
}
