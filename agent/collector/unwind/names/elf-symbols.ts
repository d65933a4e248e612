import { Damaged, type Image, type Section } from '../image.ts'
import { inSteps } from './in-steps.ts'

/** elf(5): section types, symbol types and bindings. */
const SHT_SYMTAB = 2
const SHT_DYNSYM = 11
const STT_FUNC = 2
const STT_GNU_IFUNC = 10
const STB_LOCAL = 0
/** Bytes of a symbol: Elf64_Sym. */
const SYMBOL = 24
/** Longer names are cut: templates have names of some KiB. */
const NAME_BYTES = 4096
/** Names at one address that are compared; libc's busiest has a dozen. */
const ALIASES = 32
/** Functions do not lie in each other: more than some per address is a file that was made to keep us busy. */
const MOST_STEPS = 20_000_000

/** A function as a symbol table has it. */
export interface FoundSymbol {
  readonly name: string
  /** In the file's own addresses. */
  readonly start: number
  readonly source: 'symtab' | 'dynsym'
}

/** What is known of the place that an address is in, while the table passes by. */
interface Best {
  /** The innermost that holds the address: where it starts, and the symbols that say so. */
  start: number
  symbols: Candidate[]
  /** Of those that start behind the address before this one: the last without a size, which reaches to the next, and the last of any size. */
  open: number
  openSymbols: Candidate[]
  last: number
}

interface Candidate {
  readonly nameAt: number
  readonly local: boolean
  readonly section: number
}

/**
 * The functions that some of a file's own addresses are in, by its `.symtab` and where that is not there or does not say, by its
 * `.dynsym`. Reads each table once, as it passes by, so it takes as much memory as there are addresses. Throws Damaged, and the signal's reason.
 */
export async function symbolsAt(
  image: Image,
  addresses: readonly number[],
  signal: AbortSignal,
): Promise<Map<number, FoundSymbol>> {
  const sections = await image.sections(signal)
  const found = new Map<number, FoundSymbol>()
  for (const [type, source] of [
    [SHT_SYMTAB, 'symtab'],
    [SHT_DYNSYM, 'dynsym'],
  ] as const) {
    const table = sections.find((section) => section.type === type)
    const left = addresses.filter((address) => !found.has(address))
    if (table === undefined || left.length === 0) continue
    for (const [address, symbol] of await lookUp(image, sections, table, left, signal))
      found.set(address, { ...symbol, source })
  }
  return found
}

async function lookUp(
  image: Image,
  sections: readonly Section[],
  table: Section,
  addresses: readonly number[],
  signal: AbortSignal,
): Promise<ReadonlyMap<number, Omit<FoundSymbol, 'source'>>> {
  const strings = sections[table.link]
  const found = new Map<number, Omit<FoundSymbol, 'source'>>()
  if (strings === undefined) return found
  const sorted = [...new Set(addresses)].sort((a, b) => a - b)
  const bests = await candidatesAt(image, table, sorted, signal)
  let before: Best | undefined
  for (const [index, best] of bests.entries()) {
    const address = sorted[index] as number
    if (before !== undefined && before.last > best.last) {
      Object.assign(best, { last: before.last, open: before.open, openSymbols: before.openSymbols })
    }
    before = best
    const isOpen = best.start < 0 && best.open >= 0 && best.open === best.last
    const candidates = isOpen
      ? best.openSymbols.filter(({ section }) => isIn(sections[section], address))
      : best.symbols
    const names: [string, Candidate][] = []
    for (const one of candidates) names.push([await nameAt(image, strings, one.nameAt, signal), one])
    const [first] = names.filter(([name]) => name !== '').sort(byWorth)
    if (first !== undefined)
      found.set(address, { name: withoutVersion(first[0]), start: isOpen ? best.open : best.start })
  }
  return found
}

async function candidatesAt(image: Image, table: Section, sorted: readonly number[], signal: AbortSignal) {
  const bests = sorted.map((): Best => ({ start: -1, symbols: [], open: -1, openSymbols: [], last: -1 }))
  let steps = 0
  for await (const part of inSteps(image, table, SYMBOL, signal)) {
    for (let at = 0; at + SYMBOL <= part.length; at += SYMBOL) steps += take(part, at, sorted, bests)
    if (steps > MOST_STEPS)
      throw new Damaged(`cannot read ${table.name} of ${image.path}: because its functions lie in each other`)
  }
  return bests
}

/** Puts a symbol to the addresses that it may hold, and gives how many these are. */
function take(part: Buffer, at: number, sorted: readonly number[], bests: readonly Best[]): number {
  const type = part.readUInt8(at + 4) & 0xf
  if (type !== STT_FUNC && type !== STT_GNU_IFUNC) return 0
  const section = part.readUInt16LE(at + 6)
  if (section === 0) return 0
  const start = Number(part.readBigUInt64LE(at + 8))
  const first = firstFrom(sorted, start)
  const nearest = bests[first]
  if (nearest === undefined) return 0
  const size = Number(part.readBigUInt64LE(at + 16))
  const local = part.readUInt8(at + 4) >> 4 === STB_LOCAL
  const candidate = { nameAt: part.readUInt32LE(at), local, section }
  nearest.last = Math.max(nearest.last, start)
  if (size === 0 && start >= nearest.open) {
    nearest.openSymbols = start > nearest.open ? [candidate] : [...nearest.openSymbols.slice(1 - ALIASES), candidate]
    nearest.open = start
  }
  let index = first
  for (; index < sorted.length && (sorted[index] as number) < start + size; index++) {
    const best = bests[index] as Best
    if (start > best.start) Object.assign(best, { start, symbols: [candidate] })
    else if (start === best.start && best.symbols.length < ALIASES) best.symbols.push(candidate)
  }
  return index - first
}

/** Index of the first address that is not below `start`. */
function firstFrom(sorted: readonly number[], start: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] as number) < start) low = middle + 1
    else high = middle
  }
  return low
}

/** What has no end of its own does not go on in another section: behind `_init` lies the PLT. */
function isIn(section: Section | undefined, address: number): boolean {
  return section !== undefined && address >= section.address && address < section.address + section.size
}

/** The name at a place of a table of strings; of a longer one the beginning. Throws Damaged, and the signal's reason. */
export async function nameAt(image: Image, strings: Section, at: number, signal: AbortSignal): Promise<string> {
  const most = Math.min(NAME_BYTES, strings.size - at)
  if (most <= 0) return ''
  // Most names are short, and a page is at hand.
  for (const length of [Math.min(128, most), most]) {
    const bytes = await image.bytes(strings.offset + at, length, signal)
    const end = bytes.indexOf(0)
    if (end >= 0 || length === most) return bytes.toString('utf8', 0, end < 0 ? length : end)
  }
  throw new Damaged(`cannot read a name in ${image.path}: because it has no end`)
}

/** The global, unversioned, un-underscored one first: of `gsignal` and `raise` the shorter, of `__poll` and `poll` what people call. */
function byWorth([a, one]: readonly [string, Candidate], [b, other]: readonly [string, Candidate]): number {
  return (
    Number(one.local) - Number(other.local) ||
    Number(a.includes('@')) - Number(b.includes('@')) ||
    underscores(a) - underscores(b) ||
    a.length - b.length ||
    (a < b ? -1 : 1)
  )
}

const underscores = (name: string) => (/^_+/.exec(name)?.[0] ?? '').length
/** `memcpy@@GLIBC_2.14`: ld(1), "VERSION". */
const withoutVersion = (name: string) => name.replace(/(?<=.)@.*$/s, '')
