import { Damaged, type Image, type Load, type Section } from './image.ts'

/** A function of a Go program. */
export interface GoFunction {
  /** The file's own addresses. */
  readonly start: number
  readonly end: number
  /** Where its name is, in the file. */
  readonly nameAt: number
  /** Where the table of its stack's growth is, in the file. */
  readonly growthAt: number
}

/** By the first word of the table: Go's src/debug/gosym/pclntab.go, and src/internal/abi/symtab.go. */
interface Layout {
  readonly wordsBefore: number
  /** Index of words in the header: where text starts (none where addresses are whole), names, the table of values, functions. */
  readonly textStart?: number
  readonly names?: number
  readonly values?: number
  readonly functions?: number
  /** Places in a function's description. */
  readonly growth: number
  readonly name: number
}

const LAYOUTS: Readonly<Record<number, Layout>> = {
  // 1.2
  4294967291: { wordsBefore: 1, growth: 20, name: 8 },
  // 1.16
  4294967290: { wordsBefore: 7, names: 2, values: 5, functions: 6, growth: 20, name: 8 },
  // 1.18
  4294967280: { wordsBefore: 8, textStart: 2, names: 3, values: 6, functions: 7, growth: 16, name: 4 },
  // 1.20
  4294967281: { wordsBefore: 8, textStart: 2, names: 3, values: 6, functions: 7, growth: 16, name: 4 },
}

const SECTIONS = ['.gopclntab', '.data.rel.ro.gopclntab']
/** Magic, two zeros, the least instruction, bytes of a pointer. */
const HEAD = 8
const WORD = 8
const FUNCTION_BYTES = 44
const MOST_FUNCTIONS = 2 ** 24
/** Bytes of the growth of one function's stack: most have some ten. */
const GROWTH_BYTES = 64 * 1024
const GROWTH_STEP = 512

/** Go's own table of functions (.gopclntab), which survives stripping. All throws Damaged, or the signal's reason. */
export class GoTable {
  readonly #image: Image
  readonly #at: number
  readonly #size: number
  readonly #layout: Layout
  readonly #quantum: number
  readonly #words: readonly number[]
  readonly #text: number

  private constructor(image: Image, { offset, size }: Section, layout: Layout, head: Buffer, text: number) {
    this.#image = image
    this.#at = offset
    this.#size = size
    this.#layout = layout
    this.#quantum = head.readUInt8(6)
    this.#words = Array.from({ length: layout.wordsBefore }, (_, index) =>
      Number(head.readBigUInt64LE(HEAD + index * WORD)),
    )
    const start = layout.textStart === undefined ? 0 : (this.#words[layout.textStart] as number)
    // Zero, or what only the loader fills in, of a program that may lie anywhere.
    const isCode = start > 0 && image.loads.some((load) => load.executable && isIn(load, start))
    this.#text = layout.textStart === undefined || isCode ? start : text
    if (!(this.#functions <= MOST_FUNCTIONS)) throw new Damaged(`${image.path} has more functions than any program`)
  }

  /** The table of a program; undefined of one that is not Go's, or whose version of it is not known. */
  static async of(image: Image, signal: AbortSignal): Promise<GoTable | undefined> {
    const sections = await image.sections(signal)
    const section = sections.find(({ name }) => SECTIONS.includes(name))
    if (section === undefined) return undefined
    const head = await image.bytes(section.offset, Math.min(section.size, HEAD + 8 * WORD), signal)
    const layout = head.length < HEAD ? undefined : LAYOUTS[head.readUInt32LE(0)]
    if (layout === undefined || head.readUInt8(7) !== WORD) return undefined
    if (head.length < HEAD + layout.wordsBefore * WORD)
      throw new Damaged(`${image.path} has a table of functions without end`)
    return new GoTable(image, section, layout, head, sections.find(({ name }) => name === '.text')?.address ?? 0)
  }

  get #functions(): number {
    return this.#words[0] as number
  }

  /** The function that an address lies in. */
  async functionAt(address: number, signal: AbortSignal): Promise<GoFunction | undefined> {
    const { functions } = this.#layout
    const table = functions === undefined ? HEAD + WORD : (this.#words[functions] as number)
    const width = this.#layout.textStart === undefined ? WORD : 4
    const row = async (index: number) => {
      const bytes = await this.#bytes(table + index * 2 * width, 2 * width, signal)
      return width === WORD
        ? { start: Number(bytes.readBigUInt64LE(0)), at: Number(bytes.readBigUInt64LE(WORD)) }
        : { start: this.#text + bytes.readUInt32LE(0), at: bytes.readUInt32LE(4) }
    }
    let [low, high] = [0, this.#functions]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if ((await row(middle)).start <= address) low = middle + 1
      else high = middle
    }
    if (low === 0) return undefined
    const [{ start, at }, next] = [await row(low - 1), await this.#startOf(table + low * 2 * width, width, signal)]
    if (address >= next) return undefined
    return { start, end: next, ...(await this.#described((functions === undefined ? 0 : table) + at, signal)) }
  }

  /** Bytes that the stack has grown by at an address in a function, from its first instruction on. */
  async growthAt({ start, growthAt }: GoFunction, address: number, signal: AbortSignal): Promise<number | undefined> {
    let [pc, value, at] = [start, -1, 0]
    let bytes = Buffer.alloc(0)
    const number = async (): Promise<number> => {
      for (let [result, shift] = [0, 0]; shift < 35; shift += 7) {
        if (at === bytes.length) bytes = await this.#more(growthAt, bytes, signal)
        const byte = bytes[at] as number
        at += 1
        result += (byte & 0x7f) * 2 ** shift
        if (byte < 0x80) return result
      }
      throw new Damaged(`${this.#image.path} has a table of functions with numbers without end`)
    }
    for (let isFirst = true; ; isFirst = false) {
      const change = await number()
      if (change === 0 && !isFirst) return undefined
      value += change % 2 === 0 ? change / 2 : -(change + 1) / 2
      pc += (await number()) * this.#quantum
      if (address < pc) return value
    }
  }

  async #more(from: number, bytes: Buffer<ArrayBuffer>, signal: AbortSignal): Promise<Buffer<ArrayBuffer>> {
    const left = Math.min(GROWTH_STEP, this.#at + this.#size - from - bytes.length)
    if (left <= 0 || bytes.length >= GROWTH_BYTES) {
      throw new Damaged(`${this.#image.path} has a table of functions without end`)
    }
    return Buffer.concat([bytes, await this.#image.bytes(from + bytes.length, left, signal)])
  }

  async #described(at: number, signal: AbortSignal): Promise<Pick<GoFunction, 'nameAt' | 'growthAt'>> {
    const { names, values, growth, name } = this.#layout
    const bytes = await this.#bytes(at, FUNCTION_BYTES, signal)
    const base = (index: number | undefined) => (index === undefined ? 0 : (this.#words[index] as number))
    return {
      nameAt: this.#at + base(names) + bytes.readUInt32LE(name),
      growthAt: this.#at + base(values) + bytes.readUInt32LE(growth),
    }
  }

  async #startOf(at: number, width: number, signal: AbortSignal): Promise<number> {
    const bytes = await this.#bytes(at, width, signal)
    return width === WORD ? Number(bytes.readBigUInt64LE(0)) : this.#text + bytes.readUInt32LE(0)
  }

  async #bytes(at: number, length: number, signal: AbortSignal): Promise<Buffer> {
    if (!(at >= 0 && at + length <= this.#size))
      throw new Damaged(`${this.#image.path} has a table of functions without end`)
    return await this.#image.bytes(this.#at + at, length, signal)
  }
}

const isIn = ({ address, size }: Load, at: number) => at >= address && at < address + size
