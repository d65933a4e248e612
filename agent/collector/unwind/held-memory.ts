import type { ReadMemory } from './image.ts'

/** Memory of a process that is at hand. */
export interface Piece {
  readonly start: number
  readonly bytes: Buffer
}

/** Reads of pieces, which may follow each other, but do not overlap. */
export function heldMemory(pieces: readonly Piece[]): ReadMemory {
  const sorted = pieces.toSorted((a, b) => a.start - b.start)
  return (address, into) => {
    let filled = 0
    for (let index = pieceAt(sorted, address); filled < into.length; index += 1) {
      const piece = sorted[index]
      const at = piece === undefined ? -1 : address + filled - piece.start
      if (piece === undefined || at < 0 || at >= piece.bytes.length) break
      filled += piece.bytes.copy(into, filled, at)
    }
    return filled
  }
}

/** The last piece that begins at an address or before. */
function pieceAt(sorted: readonly Piece[], address: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] as Piece).start <= address) low = middle + 1
    else high = middle
  }
  return Math.max(0, low - 1)
}
