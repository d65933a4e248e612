import type { ReadBytes } from '../image.ts'

/** Bytes that are read at a time, and of one map at most: a JVM with all its classes compiled writes some ten. */
const STEP_BYTES = 64 * 1024
const MOST_BYTES = 64 * 1024 * 1024
/** A line longer than this names nothing. */
const LINE_BYTES = 4096
/** `START SIZE name`, numbers in hex: Linux tools/perf/Documentation/jit-interface.txt. */
const LINE = /^(?:0x)?([0-9a-f]{1,16}) ([0-9a-f]{1,16}) (.+)$/

export interface CodeName {
  readonly name: string
  readonly start: number
}

/**
 * The names that a just-in-time compiler gave to the code at some addresses, by its perf map. What it wrote last counts, for it uses memory
 * again. Reads the file once as it passes by, and no more than 64 MiB of it; whoever owns the process may have made up all of it. Rejects
 * where it cannot be read, and with the signal's reason.
 */
export async function codeNames(
  read: ReadBytes,
  addresses: readonly number[],
  signal: AbortSignal,
): Promise<ReadonlyMap<number, CodeName>> {
  const sorted = [...new Set(addresses)].sort((a, b) => a - b)
  const [lowest = 0, highest = -1] = [sorted[0], sorted.at(-1)]
  const found = new Map<number, CodeName>()
  const take = (line: string) => {
    const [, from = '', bytes = '', name = ''] = LINE.exec(line) ?? []
    const [start, size] = [Number.parseInt(from, 16), Number.parseInt(bytes, 16)]
    if (!(start <= highest && start + size > lowest)) return
    for (const address of sorted) if (address >= start && address < start + size) found.set(address, { name, start })
  }
  let rest = ''
  for (let at = 0; at < MOST_BYTES && sorted.length > 0; at += STEP_BYTES) {
    const part = await read(at, STEP_BYTES, signal)
    const lines = (rest + part.toString('latin1')).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.length <= LINE_BYTES) take(line)
    if (rest.length > LINE_BYTES) rest = rest.slice(0, LINE_BYTES + 1)
    if (part.length < STEP_BYTES) break
  }
  return new Map([...found].map(([address, { name, start }]) => [address, { name: asUtf8(name), start }]))
}

const asUtf8 = (name: string) => Buffer.from(name, 'latin1').toString('utf8')
