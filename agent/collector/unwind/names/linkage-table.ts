import type { Image, Section } from '../image.ts'
import { nameAt } from './elf-symbols.ts'

/** Bytes of a relocation and of a symbol: elf(5), Elf64_Rela and Elf64_Sym. */
const RELA = 24
const SYMBOL = 24
/** Bytes that come before the first function's entry, by e_machine: x86-64 psABI 5.2 and AAELF64 "Procedure Linkage Table"; and of an entry. */
const TABLES: Readonly<Record<number, { readonly head: number; readonly entry: number }>> = {
  62: { head: 16, entry: 16 },
  183: { head: 32, entry: 16 },
}
/** More functions of others than any file calls. */
const MOST = 65_536

/** The linkage table of a file: its entries have no symbols, and stand in the order of the relocations that fill them. */
export interface LinkageTable {
  readonly start: number
  readonly entry: number
  readonly count: number
  readonly relocations: Section
  readonly symbols: Section
  readonly strings: Section
}

/** The table that calls go through; undefined where there is none, or of an unknown kind. Throws Damaged, and the signal's reason. */
export async function linkageTable(image: Image, signal: AbortSignal): Promise<LinkageTable | undefined> {
  const sections = await image.sections(signal)
  const named = (name: string) => sections.find((section) => section.name === name)
  const [relocations, first, second, kind] = [
    named('.rela.plt'),
    named('.plt'),
    named('.plt.sec'),
    TABLES[image.machine],
  ]
  const symbols = relocations && sections[relocations.link]
  const strings = symbols && sections[symbols.link]
  if (relocations === undefined || symbols === undefined || strings === undefined || kind === undefined)
    return undefined
  const count = Math.floor(relocations.size / RELA)
  if (count === 0 || count > MOST) return undefined
  // With branch targets (IBT) calls go through a table of its own, without a head.
  if (second !== undefined) return { start: second.address, entry: kind.entry, count, relocations, symbols, strings }
  if (first === undefined) return undefined
  // Longer ones have branch targets and signed addresses (arm64).
  const entry = Math.max(kind.entry, Math.floor((first.size - kind.head) / count / 8) * 8)
  return { start: first.address + kind.head, entry, count, relocations, symbols, strings }
}

/** What an entry of it is called, as debuggers do: `poll@plt`. Throws Damaged, and the signal's reason. */
export async function linkageNameAt(
  image: Image,
  { start, entry, count, relocations, symbols, strings }: LinkageTable,
  address: number,
  signal: AbortSignal,
): Promise<{ readonly name: string; readonly start: number } | undefined> {
  const index = Math.floor((address - start) / entry)
  if (index < 0 || index >= count) return undefined
  const relocation = await image.bytes(relocations.offset + index * RELA, RELA, signal)
  const symbol = relocation.readUInt32LE(12)
  if (symbol === 0 || (symbol + 1) * SYMBOL > symbols.size) return undefined
  const at = (await image.bytes(symbols.offset + symbol * SYMBOL, 4, signal)).readUInt32LE(0)
  const name = await nameAt(image, strings, at, signal)
  return name === '' ? undefined : { name: `${name}@plt`, start: start + index * entry }
}
