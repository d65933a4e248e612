import type { Mapping } from '../host/mappings.ts'
import type { Pages } from './pages.ts'
import { mappingAt, type UsedStack } from './stacks.ts'

/** Bytes around a return address: the call before it, and what gives the frame back behind it. */
const AROUND = 64
/** Places of one process whose code is kept, the innermost of each stack first: of a just-in-time compiler's, many are on one page. */
const MOST = 256
/** Of each stack that is looked through. */
const LOOKED = 64 * 1024

/** Code of a just-in-time compiler; also the vdso. */
export const isCodeOutsideFiles = ({ inode, permissions }: Mapping) => inode === 0 && permissions[2] === 'x'

/**
 * Keeps the code that is in no file and that the stacks may return to: nothing else tells how to go on from there. All `stacks` are in `pages`. What
 * looks like an address, and is none, costs a page.
 */
export async function keepCalledFrom(
  stacks: readonly UsedStack[],
  mappings: readonly Mapping[],
  pages: Pages,
  signal: AbortSignal,
): Promise<void> {
  const code = mappings.filter((mapping) => isCodeOutsideFiles(mapping) && mapping.path !== '[vdso]')
  const [first, last] = [code[0], code.at(-1)]
  if (first === undefined || last === undefined) return
  const places = new Set<number>()
  for (const { start, end } of stacks) {
    const bytes = await pages.read(start, Math.min(LOOKED, end - start), signal)
    for (let at = -start & 7; at + 8 <= bytes.length && places.size < MOST; at += 8) {
      const word = Number(bytes.readBigUInt64LE(at))
      if (word < first.start || word >= last.end) continue
      const mapping = mappingAt(code, word)
      if (mapping !== undefined) places.add(Math.max(mapping.start, Math.floor(word / AROUND) * AROUND))
    }
  }
  const ranges = [...places].map((place) => {
    const { start = place, end = place } = mappingAt(code, place) ?? {}
    return { start: Math.max(start, place - AROUND), end: Math.min(end, place + 2 * AROUND) }
  })
  await pages.keepAll(ranges, signal)
}
