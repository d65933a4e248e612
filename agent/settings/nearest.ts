/** The candidate a person most likely meant by `typed`, or undefined where none is near (a third of it may differ). */
export function nearest(typed: string, candidates: readonly string[]): string | undefined {
  const name = lastOf(typed)
  let best: { candidate: string; distance: number } | undefined
  for (const candidate of candidates) {
    const whole = distance(typed, candidate, allowance(typed))
    // The right key in the wrong table is a mistake too, and less likely than one wrong letter.
    const moved = distance(name, lastOf(candidate), allowance(name) - 1) + 1.5
    const least = Math.min(whole, moved)
    if (Number.isFinite(least) && least < (best?.distance ?? Number.POSITIVE_INFINITY))
      best = { candidate, distance: least }
  }
  return best?.candidate
}

/**
 * Damerau-Levenshtein distance in its optimal string alignment form: insertions, deletions, substitutions and swaps
 * of neighbours that turn `a` into `b`; Infinity when more than `limit` are needed.
 */
export function distance(a: string, b: string, limit = Number.POSITIVE_INFINITY): number {
  if (Math.abs(a.length - b.length) > limit) return Number.POSITIVE_INFINITY
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const line = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let cost = Math.min(at(above, column) + 1, at(line, column - 1) + 1, at(above, column - 1) + (same ? 0 : 1))
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, at(before, column - 2) + 1)
      }
      line.push(cost)
    }
    before = above
    above = line
  }
  const total = at(above, b.length)
  return total <= limit ? total : Number.POSITIVE_INFINITY
}

const at = (row: readonly number[], column: number): number => row[column] ?? Number.POSITIVE_INFINITY
const lastOf = (key: string): string => key.slice(key.lastIndexOf('.') + 1)
const allowance = (typed: string): number => Math.max(1, Math.floor(typed.length / 3))
