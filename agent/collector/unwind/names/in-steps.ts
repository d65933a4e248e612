import { Damaged, type Image, type Section } from '../image.ts'

/** Bytes of a table that are read at a time, about. */
const STEP_BYTES = 64 * 1024
/** Bytes of one table at most: a symbol table of ten million functions, which no program has. */
const MOST_BYTES = 256 * 1024 * 1024
/** Tables are gone through without a pause where their pages are at hand: others must get their turn. */
const STEPS_AT_ONCE = 16

/** A section of entries of `entry` bytes each, some at a time. Throws Damaged, and the signal's reason. */
export async function* inSteps(
  image: Image,
  { name, offset, size }: Pick<Section, 'name' | 'offset' | 'size'>,
  entry: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, void> {
  if (size > MOST_BYTES) throw new Damaged(`cannot read ${name} of ${image.path}: because it claims ${size} bytes`)
  const step = Math.floor(STEP_BYTES / entry) * entry
  for (let at = 0, steps = 1; at + entry <= size; at += step, steps++) {
    yield await image.bytes(offset + at, Math.min(step, size - at), signal)
    if (steps % STEPS_AT_ONCE === 0) await new Promise(setImmediate)
    signal.throwIfAborted()
  }
}
