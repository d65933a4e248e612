/** Bytes of a line of a log that counts. */
export const LINE = 64

/** So many lines, each of which has its number. */
export function numbered(from: number, count: number): Buffer {
  const lines = Buffer.alloc(count * LINE, 'x')
  for (let at = 0; at < count; at++) {
    lines.write(String(from + at).padStart(16, '0'), at * LINE, 'latin1')
    lines[(at + 1) * LINE - 1] = 0x0a
  }
  return lines
}

/** The first and last line of a log, and at how many places the one that should follow does not. */
export function linesIn(log: Buffer): { readonly first: number; readonly last: number; readonly holes: number } {
  const number = (at: number) => Number(log.toString('latin1', at * LINE, at * LINE + 16))
  const count = Math.floor(log.length / LINE)
  let holes = log.length % LINE === 0 ? 0 : 1
  for (let at = 1; at < count; at++) if (number(at) !== number(at - 1) + 1) holes += 1
  return { first: number(0), last: number(count - 1), holes }
}
