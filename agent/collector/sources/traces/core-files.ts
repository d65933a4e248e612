import { join } from 'node:path'
import { plainPath } from '../../../words/plain.ts'
import { executableIn } from '../../elf/executable.ts'
import { type OpenFile, openRegular } from '../../host/open-file.ts'
import { readOf } from '../../kept-stacks/mapped-files.ts'
import type { CoreProcess } from '../../unwind/core-process.ts'
import type { ReadMemory } from '../../unwind/image.ts'
import type { OpenedFile } from '../../unwind/images.ts'
import { VDSO } from '../../unwind/module-map.ts'
import type { MappedFile } from '../../unwind/modules.ts'

/** Files of one process that are opened: more libraries than a desktop has. */
const MOST_FILES = 256
/** Bytes of a file's first page, where its build id is: what a core has of it. */
export const PAGE_BYTES = 4096

/** The files of a process that has crashed, as they lie on the host now. */
export class CoreFiles implements Disposable {
  readonly #opened = new Map<string, OpenFile>()

  /**
   * Opens those that are still what the process had mapped: of the same build, or where the core does not tell that, not changed since (`at`,
   * ms since the epoch). The rest is not at hand. Throws nothing but the signal's reason.
   */
  async open(
    root: string,
    { mappings }: CoreProcess,
    memory: ReadMemory,
    at: number,
    signal: AbortSignal,
  ): Promise<void> {
    for (const { start, offset, path } of mappings) {
      if (offset !== 0 || path === VDSO || this.#opened.has(path) || this.#opened.size === MOST_FILES) continue
      if (plainPath(path) === undefined || path.startsWith('/dev/')) continue
      const file = await openRegular(join(root, path), signal).catch(() => undefined)
      signal.throwIfAborted()
      if (file === undefined) continue
      if (await isSame(file, start, memory, at, signal)) this.#opened.set(path, file)
      else file.handle[Symbol.dispose]()
    }
  }

  readonly fileOf = ({ path }: MappedFile): OpenedFile | undefined => {
    const file = this.#opened.get(path)
    if (file === undefined) return undefined
    const { dev, ino, mtimeMs } = file.stats
    return { key: `${dev} ${ino} ${mtimeMs}`, read: readOf(file.handle) }
  };

  [Symbol.dispose](): void {
    for (const { handle } of this.#opened.values()) handle[Symbol.dispose]()
    this.#opened.clear()
  }
}

async function isSame({ handle, stats }: OpenFile, start: number, memory: ReadMemory, at: number, signal: AbortSignal) {
  const page = Buffer.alloc(PAGE_BYTES)
  const there = page.subarray(0, memory(start, page))
  const then = await executableIn(async (from, length) => there.subarray(from, from + length)).catch(() => undefined)
  const now = await executableIn((from, length) => handle.bytesAt(from, length, signal)).catch(() => undefined)
  signal.throwIfAborted()
  if (then?.buildId !== undefined) return then.buildId === now?.buildId
  return stats.mtimeMs < at
}
