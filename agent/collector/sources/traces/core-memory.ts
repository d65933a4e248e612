import { Readable } from 'node:stream'
import { unpacker } from '../../crashed-cores/core-start.ts'
import type { OpenFile } from '../../host/open-file.ts'
import type { CoreMemory, CoreProcess } from '../../unwind/core-process.ts'
import type { Piece } from '../../unwind/held-memory.ts'

/** A stretch of memory that is wanted. */
export interface Wanted {
  readonly start: number
  readonly length: number
}

/** A stretch of what a core holds: where in it, and of which address. */
interface Stretch extends Wanted {
  readonly offset: number
}

/** What goes through a decompressor at a time, and no more than this of one core: 64-bit processes have their stacks behind all else. */
const STEP_BYTES = 1024 * 1024
const MOST_BYTES = 4 * 1024 ** 3

/**
 * Memory of an open core: where it is compressed, as its content passes by. What is there by the time that the signal aborts, or the file ends,
 * is given; stretches that lie over each other are read once.
 */
export async function memoryOf(
  file: OpenFile,
  suffix: string,
  { memory }: Pick<CoreProcess, 'memory'>,
  wanted: readonly Wanted[],
  signal: AbortSignal,
): Promise<readonly Piece[]> {
  const stretches = stretchesOf(memory, merged(wanted))
  const pieces: Piece[] = []
  try {
    if (suffix === '') {
      for (const { start, length, offset } of stretches) {
        pieces.push({ start, bytes: await file.handle.bytesAt(offset, length, signal) })
      }
    } else for await (const piece of passing(file, suffix, stretches, signal)) pieces.push(piece)
  } catch {
    // Cut, damaged or out of time: what was read before counts.
  }
  return pieces.filter(({ bytes }) => bytes.length > 0)
}

/** In order, and not over each other. */
function merged(wanted: readonly Wanted[]): Wanted[] {
  const all: { start: number; length: number }[] = []
  for (const { start, length } of wanted.toSorted((a, b) => a.start - b.start)) {
    const last = all.at(-1)
    if (last === undefined || last.start + last.length < start) all.push({ start, length })
    else last.length = Math.max(last.length, start + length - last.start)
  }
  return all
}

/** Where in the core they lie, as far as they do, in the order of the core. */
function stretchesOf(memory: CoreProcess['memory'], wanted: readonly Wanted[]): Stretch[] {
  const parts = memory.toSorted((a, b) => a.start - b.start)
  const found: Stretch[] = []
  let next = 0
  for (const { start, length } of wanted) {
    while (next < parts.length && endOf(parts[next] as CoreMemory) <= start) next++
    for (let index = next; index < parts.length; index++) {
      const part = parts[index] as CoreMemory
      const from = Math.max(start, part.start)
      const to = Math.min(start + length, endOf(part))
      if (from < to) found.push({ start: from, length: to - from, offset: part.offset + from - part.start })
      if (part.start >= start + length) break
    }
  }
  return found.sort((a, b) => a.offset - b.offset)
}

const endOf = ({ start, stored }: CoreMemory) => start + stored

async function* passing(
  file: OpenFile,
  suffix: string,
  stretches: readonly Stretch[],
  signal: AbortSignal,
): AsyncGenerator<Piece, void, void> {
  const decompressor = unpacker(suffix)
  if (decompressor === undefined) return
  const source = Readable.from(steps(file, signal))
  source.on('error', (error) => decompressor.destroy(error))
  source.pipe(decompressor)
  let next = 0
  let [filled, at] = [0, 0]
  let into: Buffer | undefined
  try {
    for await (const part of decompressor as AsyncIterable<Buffer>) {
      signal.throwIfAborted()
      for (; next < stretches.length; next++, filled = 0, into = undefined) {
        const { start, length, offset } = stretches[next] as Stretch
        if (offset + filled >= at + part.length) break
        into ??= Buffer.alloc(length)
        filled += part.copy(into, filled, Math.max(0, offset + filled - at))
        if (filled < length) break
        yield { start, bytes: into }
      }
      at += part.length
      if (next === stretches.length || at > MOST_BYTES) return
    }
    const cut = stretches[next]
    if (cut !== undefined && into !== undefined) yield { start: cut.start, bytes: into.subarray(0, filled) }
  } finally {
    source.destroy()
    decompressor.destroy()
  }
}

async function* steps({ handle, stats: { size } }: OpenFile, signal: AbortSignal): AsyncGenerator<Buffer, void, void> {
  for (let at = 0; at < size; at += STEP_BYTES) {
    yield await handle.bytesAt(at, Math.min(STEP_BYTES, size - at), signal)
  }
}
