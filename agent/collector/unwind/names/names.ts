import type { Frame, FrameName } from '../frame.ts'
import { GoTable } from '../go-table.ts'
import { Damaged, type Image, type ReadBytes } from '../image.ts'
import { demangled } from './demangle.ts'
import { symbolsAt } from './elf-symbols.ts'
import { goFunctionAt } from './go-functions.ts'
import { type LinkageTable, linkageNameAt, linkageTable } from './linkage-table.ts'
import { codeNames } from './perf-map.ts'

/** Where a process keeps more names than its files have. */
export interface MoreNames {
  /** The separate debug file of this build id, in the process's own file tree; undefined where there is none. Throws nothing but the signal's reason. */
  debugImage(buildId: string, signal: AbortSignal): Promise<Image | undefined>
  /** What its just-in-time compiler wrote of its code; undefined where it has none. */
  readonly perfMap?: ReadBytes
}

/** A function in a file: `start` is one of the file's own addresses. */
interface Place extends Omit<FrameName, 'offset'> {
  readonly start: number
}

interface Known {
  /** By address; null: nothing names it. */
  readonly places: Map<number, Place | null>
  /** 'none': it is not Go's; undefined: not looked at yet. */
  go?: GoTable | 'none'
  /** The same of its linkage table. */
  linkage?: LinkageTable | 'none'
}

/**
 * Names of the functions that frames are in, for any number of processes: what is known of a file serves all who have it mapped. Of a damaged file
 * there are no names.
 */
export class Names {
  readonly #known = new WeakMap<Image, Known>()
  /** Files whose names could not be read, one sentence each. */
  readonly damaged = new Set<string>()

  /** Names these frames of one process. Each file's tables are read once for all that is asked of it. Throws nothing but the signal's reason. */
  async of(frames: readonly Frame[], more: MoreNames, signal: AbortSignal): Promise<ReadonlyMap<Frame, FrameName>> {
    const inFiles = Map.groupBy(frames, ({ module }) => module?.image)
    const named = new Map<Frame, FrameName>()
    for (const [image, of] of inFiles) {
      if (image === undefined) continue
      const places = await this.#placesIn(image, of, more, signal)
      for (const frame of of) {
        const place = frame.address === undefined ? undefined : places.get(frame.address)
        if (place) named.set(frame, nameAt(place, frame.pc - (frame.module?.bias ?? 0)))
      }
    }
    for (const [frame, name] of await this.#inCode(inFiles.get(undefined) ?? [], more, signal)) named.set(frame, name)
    return named
  }

  async #placesIn(image: Image, frames: readonly Frame[], more: MoreNames, signal: AbortSignal) {
    const known: Known = this.#known.get(image) ?? { places: new Map() }
    this.#known.set(image, known)
    const { places } = known
    const wanted = new Set(
      frames.flatMap(({ address }) => (address === undefined || places.has(address) ? [] : [address])),
    )
    if (wanted.size === 0) return places
    const left = () => [...wanted].filter((address) => !places.get(address))
    for (const address of wanted) places.set(address, null)
    const look = async (of: Image) => {
      for (const [address, { name, start, source }] of await symbolsAt(of, left(), signal))
        places.set(address, { function: demangled(name), start, source })
    }
    await this.#surviving(signal, async () => {
      const hasTable = (await image.sections(signal)).some(({ name }) => name === '.symtab')
      const debug = image.buildId === undefined || hasTable ? undefined : await more.debugImage(image.buildId, signal)
      if (debug !== undefined) await this.#surviving(signal, () => look(debug))
      if (left().length > 0) await look(image)
      if (left().length > 0) await this.#lookInLinkage(image, known, left(), signal)
    })
    if (left().length === 0) return places
    await this.#surviving(signal, async () => {
      known.go ??= (await GoTable.of(image, signal)) ?? 'none'
      const table = known.go
      if (table === 'none') return
      for (const address of left()) {
        const found = await goFunctionAt(image, table, address, signal)
        if (found !== undefined) places.set(address, { function: found.name, start: found.start, source: 'pclntab' })
      }
    })
    return places
  }

  async #lookInLinkage(image: Image, known: Known, left: readonly number[], signal: AbortSignal): Promise<void> {
    known.linkage ??= (await linkageTable(image, signal)) ?? 'none'
    const table = known.linkage
    if (table === 'none') return
    for (const address of left) {
      const found = await linkageNameAt(image, table, address, signal)
      if (found !== undefined) known.places.set(address, { function: found.name, start: found.start, source: 'dynsym' })
    }
  }

  async #inCode(frames: readonly Frame[], { perfMap }: MoreNames, signal: AbortSignal) {
    const named = new Map<Frame, FrameName>()
    if (frames.length === 0 || perfMap === undefined) return named
    const addresses = frames.map(({ at }) => at)
    const found = await codeNames(perfMap, addresses, signal).catch((error: Error) => {
      signal.throwIfAborted()
      this.damaged.add(`the names of just-in-time code could not be read: ${error.message}`)
      return new Map()
    })
    for (const frame of frames) {
      const name = found.get(frame.at)
      if (name) named.set(frame, { function: name.name, offset: frame.pc - name.start, source: 'perf-map' })
    }
    return named
  }

  /** What a damaged file, or one that cannot be read, costs. */
  async #surviving(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof Damaged)) throw error
      this.damaged.add(error.message)
    }
  }
}

function nameAt({ function: name, start, source }: Place, address: number): FrameName {
  return { function: name, offset: address - start, source }
}
