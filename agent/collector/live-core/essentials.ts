import { within } from '../../words/deadline.ts'
import type { Mapping, Range } from '../host/mappings.ts'
import { isCodeOutsideFiles, keepCalledFrom } from './called-from.ts'
import type { Segment } from './elf-core.ts'
import { keepElfPages, keepVdso } from './elf-pages.ts'
import { keepLinkMap } from './link-map.ts'
import type { Machine } from './machine.ts'
import type { Moment } from './moment.ts'
import type { ThreadState } from './registers.ts'
import { mappingAt } from './stacks.ts'

/** ms for the walk over link map and files: thousands of libraries, or memory that is swapped out. */
const WALK_MS = 2_000

/** A stretch of memory with its content. */
export interface Held extends Segment {
  readonly content: readonly Buffer[]
}

/**
 * What a debugger needs besides registers, mappings and memory in general, as segments: first the stacks, then link map, first pages of
 * ELF files, vdso, code that is in no file. Reads what is not there yet, whether the process stands still or runs.
 */
export async function essentials(moment: Moment, signal: AbortSignal): Promise<Held[]> {
  const { pages, mappings, vector, missed, machine, threads, stacks } = moment
  const walk = within(WALK_MS, signal)
  try {
    keepVdso(mappings, vector.pageSize, pages)
    await keepLinkMap(vector, pages, walk)
    await pages.keepAll(codeOutsideFiles(threads, mappings, machine), walk)
    await keepCalledFrom(stacks, mappings, pages, walk)
    const absent = await keepElfPages(mappings, vector.pageSize, pages, walk)
    if (absent.length > 0) missed.push(`no build-id of files whose first page is not in memory: ${absent.join(', ')}`)
  } catch {
    signal.throwIfAborted()
    missed.push(`what is loaded where could not be read to its end within ${WALK_MS} ms`)
  }
  return segments(moment)
}

/** Around the program counters that lie in no file: what a just-in-time compiler has written. */
function codeOutsideFiles(threads: readonly ThreadState[], mappings: readonly Mapping[], machine: Machine) {
  return threads.flatMap(({ registers }) => {
    const pc = Number(registers.readBigUInt64LE(machine.pc))
    const mapping = mappingAt(mappings, pc)
    return mapping !== undefined && isCodeOutsideFiles(mapping)
      ? [{ start: pc, end: Math.min(pc + INSTRUCTION, mapping.end) }]
      : []
  })
}

/** Longest instruction of x86-64, in bytes: Intel SDM 2, 2.3.11. */
const INSTRUCTION = 15

function segments({ pages, mappings, vector, stacks }: Moment): Held[] {
  const held: (Held & { content: Buffer[]; end: number; stored: number })[] = []
  const stackPages = new Set(stacks.flatMap((stack) => pagesOf(stack, vector.pageSize)))
  for (const [page, bytes] of pages.sorted()) {
    const mapping = mappingAt(mappings, page)
    if (mapping === undefined) continue
    const last = held.at(-1)
    const rank = stackPages.has(page) ? 0 : 1
    if (last !== undefined && last.end === page && last.rank === rank && page !== mapping.start) {
      last.content.push(bytes)
      last.end += vector.pageSize
      last.stored += vector.pageSize
    } else {
      const end = page + vector.pageSize
      held.push({ start: page, end, stored: vector.pageSize, permissions: mapping.permissions, rank, content: [bytes] })
    }
  }
  return held
}

function pagesOf({ start, end }: Range, pageSize: number): number[] {
  const first = Math.floor(start / pageSize)
  return Array.from({ length: Math.ceil(end / pageSize) - first }, (_, index) => (first + index) * pageSize)
}
