import { PROGRAM_HEADER, programHeaders } from '../elf/headers.ts'
import type { AuxiliaryVector } from '../host/auxiliary-vector.ts'
import type { Pages } from './pages.ts'

/** Program headers: elf(5). */
const PT_DYNAMIC = 2
const PT_PHDR = 6
/** Entry of the dynamic section that holds the address of struct r_debug. */
const DT_DEBUG = 21
/** Dynamic sections have some thirty entries; walks end here whatever a broken one says. */
const MOST_ENTRIES = 256
const MOST_LIBRARIES = 4096
/** Longest name: PATH_MAX. */
const NAME_BYTES = 4096

/**
 * Walks the way a debugger goes to find what is loaded where: program headers, dynamic section, struct r_debug, the chain of
 * struct link_map with their names (link.h, the same in glibc and musl). All of it is in `pages` then. Gives how many there are; a
 * static program has none.
 */
export async function keepLinkMap(auxv: AuxiliaryVector, pages: Pages, signal: AbortSignal): Promise<number> {
  const word = async (address: number) => Number((await pages.read(address, 8, signal)).readBigUInt64LE(0))
  const dynamic = await dynamicSection(auxv, pages, signal)
  const debug = dynamic === undefined ? undefined : await debugAddress(dynamic, word)
  if (debug === undefined) return 0
  await pages.read(debug, R_DEBUG_BYTES, signal)
  const seen = new Set<number>()
  for (let entry = await word(debug + 8); entry !== 0 && seen.size < MOST_LIBRARIES; entry = await word(entry + 24)) {
    if (seen.has(entry)) break
    seen.add(entry)
    await pages.read(entry, LINK_MAP_BYTES, signal)
    await keepString(await word(entry + 8), pages, signal)
  }
  return seen.size
}

/** int version, then addresses: map, break, state, base. */
const R_DEBUG_BYTES = 40
/** Addresses: bias, name, dynamic section, next, previous. */
const LINK_MAP_BYTES = 40

async function dynamicSection({ headers, count }: AuxiliaryVector, pages: Pages, signal: AbortSignal) {
  if (headers === 0 || count === 0 || count > MOST_ENTRIES) return undefined
  const table = await pages.read(headers, count * PROGRAM_HEADER, signal)
  let bias = 0
  let dynamic: number | undefined
  for (const { type, address } of programHeaders(table)) {
    if (type === PT_PHDR) bias = headers - Number(address)
    if (type === PT_DYNAMIC) dynamic = Number(address)
  }
  return dynamic === undefined ? undefined : dynamic + bias
}

async function debugAddress(dynamic: number, word: (at: number) => Promise<number>): Promise<number | undefined> {
  for (let at = dynamic; at < dynamic + MOST_ENTRIES * 16; at += 16) {
    const tag = await word(at)
    if (tag === DT_DEBUG) return (await word(at + 8)) || undefined
    if (tag === 0) break
  }
  return undefined
}

async function keepString(address: number, pages: Pages, signal: AbortSignal): Promise<void> {
  if (address === 0) return
  for (let at = address; at < address + NAME_BYTES; at += 64) {
    if ((await pages.read(at, 64, signal)).includes(0)) return
  }
}
