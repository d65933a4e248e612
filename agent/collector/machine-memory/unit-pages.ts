import { join } from 'node:path'
import { within } from '../../words/deadline.ts'
import { openKernelFile } from '../host/kernel-file.ts'
import { readMappings } from '../host/mappings.ts'
import type { OwnedFile } from '../host/owned-file.ts'

/** Of an entry in /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst), as bits of its upper half. */
const PRESENT = 1 << 31
/** Bits 32 to 54 of the page's number. */
const UPPER_NUMBER = 0x7fffff
const ENTRY_BYTES = 8
/** Pages whose entries are read at a time: 512 KiB. */
const BATCH = 65_536
/** Page numbers that are kept, 4 bytes each: 32 GiB of memory for 32 MiB. Beyond it the rest is left out, and said so. */
const MOST_PAGES = 8 * 1024 * 1024

/** ms for all of them: a reservation of 16 TiB alone has 32 GiB of entries. */
const LOOK_MS = 3_000

export interface UnitPages {
  /** Numbers of physical pages, ascending, each once. */
  readonly pages: Uint32Array
  /** Whether there were more than are kept, or more than there was time for. */
  readonly more: boolean
}

/** The physical pages that some processes have mapped. One that ends meanwhile gives what was read of it. */
export async function unitPages(
  root: string,
  pids: readonly number[],
  pageSize: number,
  signal: AbortSignal,
): Promise<UnitPages> {
  let numbers = new Uint32Array(BATCH)
  let count = 0
  let more = false
  const buffer = Buffer.allocUnsafeSlow(BATCH * ENTRY_BYTES)
  const halves = new Uint32Array(buffer.buffer, 0, BATCH * 2)
  const keep = (entries: number) => {
    for (let index = 0; index < entries; index++) {
      const upper = halves[index * 2 + 1] ?? 0
      const number = (upper & UPPER_NUMBER) * 2 ** 32 + (halves[index * 2] ?? 0)
      // 2^32 pages are 16 TiB.
      if ((upper & PRESENT) === 0 || number === 0 || number >= 2 ** 32) continue
      if (count === MOST_PAGES) more = true
      if (count === MOST_PAGES) return
      if (count === numbers.length) numbers = grown(numbers)
      numbers[count++] = number
    }
  }
  const enough = within(LOOK_MS, signal)
  for (const pid of pids) {
    await readProcess(join(root, 'proc', String(pid)), pageSize, buffer, keep, enough).catch(() => {
      signal.throwIfAborted()
      more ||= enough.aborted
    })
  }
  return { pages: unique(numbers.subarray(0, count).sort()), more }
}

async function readProcess(
  directory: string,
  pageSize: number,
  buffer: Buffer,
  keep: (entries: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const mappings = await readMappings(join(directory, 'maps'), signal)
  using file = await openKernelFile(join(directory, 'pagemap'), signal)
  for (const { start, end } of mappings) {
    const last = end / pageSize
    for (let first = start / pageSize; first < last; first += BATCH) {
      keep(await entriesOf(file, first, Math.min(BATCH, last - first), buffer, signal))
    }
  }
}

async function entriesOf(
  file: OwnedFile,
  first: number,
  pages: number,
  buffer: Buffer,
  signal: AbortSignal,
): Promise<number> {
  const bytesRead = await file.read(buffer.subarray(0, pages * ENTRY_BYTES), first * ENTRY_BYTES, signal)
  return Math.floor(bytesRead / ENTRY_BYTES)
}

function grown(numbers: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(Math.min(MOST_PAGES, numbers.length * 2))
  larger.set(numbers)
  return larger
}

function unique(sorted: Uint32Array): Uint32Array {
  let kept = 0
  for (let index = 0; index < sorted.length; index++) {
    const number = sorted[index] ?? 0
    if (index === 0 || number !== sorted[index - 1]) sorted[kept++] = number
  }
  return sorted.slice(0, kept)
}
