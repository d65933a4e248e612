import { setImmediate } from 'node:timers/promises'
import { type FrameRow, rowAt } from './frame-row.ts'
import { FrameTable } from './frame-table.ts'
import { GoTable } from './go-table.ts'
import { type Image, loadAt } from './image.ts'
import { Recent } from './recent.ts'
import { type Part, wayOut } from './way-out.ts'

/** ms of arithmetic after which others are let run, timers above all: what was read before is not waited for. */
const TURN_MS = 10
/** Places in code whose way to the caller is remembered: threads stand at the same ones. */
const MOST_ROWS = 4096

interface Known {
  readonly number: number
  readonly table: FrameTable
  go: GoTable | 'none' | undefined
}

/** What has been learnt of files on the way down some stacks, and serves on the way down others. */
export class KnownFiles {
  readonly #files = new Map<Image, Known>()
  #turn = performance.now()
  readonly #rows = new Recent<string, { readonly row: FrameRow | undefined }>(MOST_ROWS)
  readonly #ways = new Recent<string, { readonly parts: readonly Part[] | undefined }>(MOST_ROWS)

  /** How to get from a place in a file to the caller, by its call frame information. Throws Damaged. */
  async rowAt(image: Image, address: number, signal: AbortSignal): Promise<FrameRow | undefined> {
    const { number, table } = this.#known(image)
    const key = `${number} ${address}`
    const known = this.#rows.get(key)
    if (known !== undefined) return known.row
    const entry = await table.entryAt(address, signal)
    const row = entry && rowAt(entry, address)
    this.#rows.set(key, { row })
    return row
  }

  /** Go's own table of a file. Throws Damaged. */
  async goTable(image: Image, signal: AbortSignal): Promise<GoTable | undefined> {
    const known = this.#known(image)
    known.go ??= (await GoTable.of(image, signal)) ?? 'none'
    return known.go === 'none' ? undefined : known.go
  }

  /** What code of a file does to the stack until it returns. Throws Damaged. */
  async wayOut(image: Image, address: number, signal: AbortSignal): Promise<readonly Part[] | undefined> {
    const key = `${this.#known(image).number} ${address}`
    const known = this.#ways.get(key)
    if (known !== undefined) return known.parts
    const read = async (at: number, most: number) => {
      const load = loadAt(image, at)
      if (load?.executable !== true) return undefined
      return await image.bytesAt(at, Math.min(most, load.address + load.stored - at), signal)
    }
    const parts = await wayOut(read, address, false)
    this.#ways.set(key, { parts })
    return parts
  }

  /** Lets others run now and then. Rejects with the signal's reason. */
  async breathe(signal: AbortSignal): Promise<void> {
    if (performance.now() - this.#turn > TURN_MS) {
      await setImmediate()
      this.#turn = performance.now()
    }
    signal.throwIfAborted()
  }

  #known(image: Image): Known {
    const known = this.#files.get(image) ?? { number: this.#files.size, table: new FrameTable(image), go: undefined }
    this.#files.set(image, known)
    return known
  }
}
