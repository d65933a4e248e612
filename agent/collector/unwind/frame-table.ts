import { bytesOfFormat, Cursor, OMITTED } from './cursor.ts'
import {
  type CommonEntry,
  commonOf,
  type EntryPlace,
  entryPlace,
  type FunctionEntry,
  LENGTH_BYTES,
  readCommonEntry,
  readFunctionEntry,
} from './frame-entry.ts'
import { Damaged, type Image, loadAt } from './image.ts'
import { Recent } from './recent.ts'

/** LSB core, ".eh_frame_hdr": a version, three encodings, two pointers, the search table. */
const HEAD_BYTES = 20
const VERSION = 1
/** Common entries that are remembered of a file: one an object file, and calls come from few of them. */
const MOST_COMMON = 64
/** Entries that are looked through where there is no search table: static programs of an old linker, small ones. */
const MOST_ENTRIES = 32 * 1024

/** The search table, sorted by address: pairs of where a function begins and where its entry is. */
interface SearchTable {
  readonly address: number
  readonly encoding: number
  /** Bytes of one number in it. */
  readonly width: number
  readonly count: number
}

/** A function and its entry, by looking through all. */
interface Found {
  readonly start: number
  readonly end: number
  readonly entry: number
}

/** The call frame information of a file (.eh_frame), as far as it was needed so far. All throws Damaged, or the signal's reason. */
export class FrameTable {
  readonly #image: Image
  readonly #commons = new Recent<number, CommonEntry>(MOST_COMMON)
  #search: SearchTable | 'none' | undefined
  #all: readonly Found[] | undefined

  constructor(image: Image) {
    this.#image = image
  }

  /** The entry of the function that an address lies in; undefined where none does. */
  async entryAt(address: number, signal: AbortSignal): Promise<FunctionEntry | undefined> {
    this.#search ??= (await this.#searchTable(signal)) ?? 'none'
    const table = this.#search
    const at = table === 'none' ? undefined : await this.#lookUp(table, address, signal)
    if (at === undefined) return await this.#lookThrough(address, signal)
    if (at === 'before all') return undefined
    const entry = await this.#functionAt(at, signal)
    return address >= entry.start && address < entry.end ? entry : undefined
  }

  async #searchTable(signal: AbortSignal): Promise<SearchTable | undefined> {
    const { frameTable } = this.#image
    if (frameTable === undefined) return undefined
    const cursor = new Cursor(await this.#some(frameTable, HEAD_BYTES, signal), frameTable)
    const [version, framesEncoding, countEncoding, encoding] = [cursor.u8(), cursor.u8(), cursor.u8(), cursor.u8()]
    const width = bytesOfFormat(encoding)
    if (version !== VERSION || countEncoding === OMITTED || encoding === OMITTED || width === undefined)
      return undefined
    if (framesEncoding !== OMITTED) cursor.pointer(framesEncoding, frameTable)
    const count = cursor.pointer(countEncoding, frameTable)
    if (count < 0) throw new Damaged('the search table of call frame information has no entries')
    return { address: cursor.address, encoding, width, count }
  }

  /** The entry of the last function that begins at the address or before; undefined where the table is not sorted. */
  async #lookUp(
    { address: table, encoding, width, count }: SearchTable,
    address: number,
    signal: AbortSignal,
  ): Promise<number | 'before all' | undefined> {
    let [low, high] = [0, count]
    let [least, most] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
    let found: number | undefined
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const at = table + middle * 2 * width
      const cursor = new Cursor(await this.#image.bytesAt(at, 2 * width, signal), at)
      const start = cursor.pointer(encoding, this.#image.frameTable)
      if (start < least || start > most) return undefined
      if (start <= address) {
        found = cursor.pointer(encoding, this.#image.frameTable)
        low = middle + 1
        least = start
      } else {
        high = middle
        most = start
      }
    }
    return found ?? 'before all'
  }

  async #lookThrough(address: number, signal: AbortSignal): Promise<FunctionEntry | undefined> {
    this.#all ??= await this.#readAll(signal)
    const found = this.#all.find(({ start, end }) => address >= start && address < end)
    return found && (await this.#functionAt(found.entry, signal))
  }

  /** All functions, in the order of the file. An entry that is damaged is left out, with those behind it where its length is. */
  async #readAll(signal: AbortSignal): Promise<Found[]> {
    const all: Found[] = []
    let at = await this.#begin(signal)
    for (let entries = 0; at !== undefined && entries < MOST_ENTRIES; entries += 1) {
      try {
        const place: EntryPlace | undefined = await this.#placeOf(at, signal)
        if (place === undefined) break
        const { start, end } = await this.#functionIn(place, signal)
        all.push({ start, end, entry: at })
        at = place.end
      } catch (error) {
        if (!(error instanceof Damaged || error instanceof NoFunction)) throw error
        at = await this.#behind(at, signal)
      }
    }
    return all
  }

  async #behind(at: number, signal: AbortSignal): Promise<number | undefined> {
    try {
      return (await this.#placeOf(at, signal))?.end
    } catch (error) {
      if (error instanceof Damaged) return undefined
      throw error
    }
  }

  /** Where the entries begin, by the table's header or by the section's. */
  async #begin(signal: AbortSignal): Promise<number | undefined> {
    const { frameTable } = this.#image
    if (frameTable !== undefined) {
      const cursor = new Cursor(await this.#some(frameTable, HEAD_BYTES, signal), frameTable)
      const [version, encoding] = [cursor.u8(), cursor.u8()]
      cursor.take(2)
      if (version === VERSION && encoding !== OMITTED) return cursor.pointer(encoding, frameTable)
    }
    return (await this.#image.sections(signal)).find(({ name }) => name === '.eh_frame')?.address
  }

  async #functionAt(at: number, signal: AbortSignal): Promise<FunctionEntry> {
    const place = await this.#placeOf(at, signal)
    if (place === undefined) throw new Damaged('a function of call frame information has an empty entry')
    return await this.#functionIn(place, signal)
  }

  async #functionIn(place: EntryPlace, signal: AbortSignal): Promise<FunctionEntry> {
    const bytes = await this.#bytesOf(place, signal)
    const at = commonOf(bytes, place)
    if (at === undefined) throw new NoFunction('an entry of call frame information is that of no function')
    const known = this.#commons.get(at)
    if (known !== undefined) return readFunctionEntry(bytes, place, known)
    const commonPlace = await this.#placeOf(at, signal)
    if (commonPlace === undefined) throw new Damaged('a function of call frame information has no common entry')
    const common = readCommonEntry(await this.#bytesOf(commonPlace, signal), commonPlace)
    this.#commons.set(at, common)
    return readFunctionEntry(bytes, place, common)
  }

  async #placeOf(at: number, signal: AbortSignal): Promise<EntryPlace | undefined> {
    return entryPlace(await this.#some(at, LENGTH_BYTES, signal), at)
  }

  async #bytesOf({ start, end }: EntryPlace, signal: AbortSignal): Promise<Buffer> {
    return await this.#image.bytesAt(start, end - start, signal)
  }

  /** As many bytes as the file has of these. */
  async #some(at: number, length: number, signal: AbortSignal): Promise<Buffer> {
    const load = loadAt(this.#image, at)
    const left = load === undefined ? length : load.address + load.stored - at
    return await this.#image.bytesAt(at, Math.min(length, left), signal)
  }
}

class NoFunction extends Damaged {}
