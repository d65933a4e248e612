import { openImage } from './elf-image.ts'
import { FilePages } from './file-pages.ts'
import { Damaged, type Image, type ReadBytes } from './image.ts'

/** A file that was opened earlier. */
export interface OpenedFile {
  /** The same for the same file, whoever has it mapped: device and inode. */
  readonly key: string
  readonly read: ReadBytes
}

/** The programs and libraries of all processes, each opened once, and read through pages that they share. */
export class Images {
  readonly #pages = new FilePages()
  readonly #known = new Map<string, Image | Damaged | 'none'>()

  /** A file as a program or library; undefined where it is none. Throws Damaged, each time, or the signal's reason. */
  async of({ key, read }: OpenedFile, path: string, signal: AbortSignal): Promise<Image | undefined> {
    const known = this.#known.get(key) ?? (await this.#open(read, path, signal))
    this.#known.set(key, known)
    if (known instanceof Damaged) throw known
    return known === 'none' ? undefined : known
  }

  async #open(read: ReadBytes, path: string, signal: AbortSignal): Promise<Image | Damaged | 'none'> {
    try {
      return (await openImage(path, this.#pages.of(path, read), signal)) ?? 'none'
    } catch (error) {
      if (error instanceof Damaged) return error
      throw error
    }
  }
}
