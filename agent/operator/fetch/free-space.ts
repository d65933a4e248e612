import { statfs } from 'node:fs/promises'
import { cannot } from '../../words/cannot.ts'
import { formatBytes } from '../../words/units.ts'

/**
 * What is never taken of a file system: 5 %, which is what mke2fs(8) keeps for root, but no more than 1 GiB, which is
 * enough for whoever else writes there to go on until somebody looks.
 */
const RESERVE_SHARE = 0.05
const RESERVE_MOST = 1024 ** 3
/** How much is written before the file system is asked again, in bytes, where there is plenty. */
const STEP = 16 * 1024 ** 2

/** Watches how full the file system of a directory becomes while it is written to: others write there too. */
export class FreeSpace {
  readonly #directory: string
  /** May be written before the file system is asked again. */
  #granted = 0

  constructor(directory: string) {
    this.#directory = directory
  }

  /** Before so many bytes are written. Throws where they would touch the reserve. */
  async take(bytes: number): Promise<void> {
    if (bytes > this.#granted) {
      const room = await this.#room(bytes)
      this.#granted = bytes + Math.min(STEP, Math.floor((room - bytes) / 8))
    }
    this.#granted -= bytes
  }

  /** Throws where there is no room for so many bytes; takes none. */
  async check(bytes: number): Promise<void> {
    await this.#room(bytes)
  }

  async #room(bytes: number): Promise<number> {
    const { bavail, blocks, bsize } = await statfs(this.#directory)
    const reserve = Math.min(RESERVE_MOST, RESERVE_SHARE * blocks * bsize)
    const room = bavail * bsize - reserve
    if (bytes <= room) return room
    throw cannot(
      `write below ${this.#directory}`,
      `it takes ${formatBytes(bytes)}, and ${formatBytes(bavail * bsize)} are free there, of which ${formatBytes(reserve)} stay free`,
    )
  }
}
