import { openImage } from './elf-image.ts'
import { Damaged, type Image, type Load, type ReadBytes, type ReadMemory } from './image.ts'
import type { Images, OpenedFile } from './images.ts'
import type { CodeAt, MappedFile, Module, Modules } from './modules.ts'

/** What a process's modules are made of. */
export interface Mapped {
  /** In any order; of mappings that overlap, which a hostile core may have, any may be taken. */
  readonly mappings: readonly MappedFile[]
  /** Whether these are all mappings, so that elsewhere there is nothing: as /proc/PID/maps tells, and a core does not. */
  readonly isAll: boolean
  /** The file of a mapping, opened earlier; undefined where it is not at hand. */
  readonly fileOf: (mapping: MappedFile) => OpenedFile | undefined
  /** For the vdso, which is in no file. */
  readonly memory: ReadMemory
}

/** No program has anything below: Linux, vm.mmap_min_addr. */
const LOWEST = 4096
/** Largest page that there is, by which mappings are rounded: arm64. */
const LARGEST_PAGE = 64 * 1024
/** As the kernel names it: proc_pid_maps(5). */
export const VDSO = '[vdso]'

/** The modules of a process, by its mappings. */
export class ModuleMap implements Modules {
  readonly #mapped: Mapped
  readonly #mappings: readonly MappedFile[]
  readonly #images: Images
  readonly #modules = new Map<string, Module>()
  /** Each process has its own: in a core it may be that of another kernel. */
  #vdso: { readonly image: Image | undefined } | undefined

  constructor(mapped: Mapped, images: Images) {
    this.#mapped = mapped
    this.#mappings = mapped.mappings.toSorted((a, b) => a.start - b.start)
    this.#images = images
  }

  mappingAt(address: number): MappedFile | undefined {
    let [low, high] = [0, this.#mappings.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#mappings[middle] as MappedFile).end <= address) low = middle + 1
      else high = middle
    }
    const found = this.#mappings[low]
    return found !== undefined && found.start <= address ? found : undefined
  }

  async at(address: number, signal: AbortSignal): Promise<Module | undefined> {
    const mapping = this.mappingAt(address)
    const image = mapping && (await this.#imageOf(mapping, signal))
    if (mapping === undefined || image === undefined) return undefined
    const load = loadOf(image, mapping, address)
    if (load === undefined) return undefined
    const bias = mapping.start - mapping.offset + load.offset - load.address
    const key = `${mapping.start} ${bias}`
    const module = this.#modules.get(key) ?? { path: mapping.path, bias, image }
    this.#modules.set(key, module)
    return module
  }

  async codeAt(address: number, signal: AbortSignal): Promise<CodeAt> {
    if (address < LOWEST) return 'none'
    const mapping = this.mappingAt(address)
    if (mapping === undefined) return this.#mapped.isAll ? 'none' : 'unknown'
    if (mapping.permissions !== undefined) return mapping.permissions[2] === 'x' ? 'code' : 'none'
    const image = await this.#imageOf(mapping, signal)
    if (image === undefined) return 'unknown'
    return loadOf(image, mapping, address)?.executable ? 'code' : 'none'
  }

  async #imageOf(mapping: MappedFile, signal: AbortSignal): Promise<Image | undefined> {
    if (mapping.path === VDSO) {
      this.#vdso ??= { image: await openImage(VDSO, this.#ofMemory(mapping), signal) }
      return this.#vdso.image
    }
    const file = this.#mapped.fileOf(mapping)
    return file && (await this.#images.of(file, mapping.path, signal))
  }

  #ofMemory({ start, end }: MappedFile): ReadBytes {
    return async (at, length) => {
      const bytes = at + length <= end - start ? Buffer.alloc(length) : undefined
      if (bytes === undefined || this.#mapped.memory(start + at, bytes) < length) {
        throw new Damaged(`of ${VDSO} there are no ${length} bytes at ${at}`)
      }
      return bytes
    }
  }
}

/** The part of a file that lies at an address of one of its mappings: what the kernel rounded to pages may be of two, and code counts. */
function loadOf({ loads, path }: Image, { start, offset }: MappedFile, address: number): Load | undefined {
  const at = address - start + offset
  const exact = loads.filter((load) => at >= load.offset && at < load.offset + load.stored)
  const found = exact.find(({ executable }) => executable) ?? exact[0] ?? loads.find((load) => isNear(load, at))
  if (found !== undefined && !Number.isSafeInteger(found.address + found.offset)) {
    throw new Damaged(`${path} says that it lies where no file does`)
  }
  return found
}

function isNear({ offset, stored }: Load, at: number): boolean {
  const rounded = (place: number, round: (pages: number) => number) => round(place / LARGEST_PAGE) * LARGEST_PAGE
  return at >= rounded(offset, Math.floor) && at < rounded(offset + stored, Math.ceil)
}
