import { randomBytes } from 'node:crypto'

/** What all contents are made of, each from another place on. */
const PATTERN = randomBytes(1_000_003)
const PIECE_BYTES = 256 * 1024

/** What an item gives, as it can be told again of every byte at any time. */
export interface Content {
  readonly seed: number
  readonly bytes: number
}

/** A content from its beginning on, piece by piece. */
export function* pieces({ seed, bytes }: Content): Generator<Buffer, void, void> {
  for (let at = 0; at < bytes; ) {
    const start = (seed + at) % PATTERN.length
    const piece = PATTERN.subarray(start, start + Math.min(PIECE_BYTES, bytes - at))
    yield piece
    at += piece.length
  }
}

/** Whether these are the first bytes of it. */
export function isBeginningOf(bytes: Buffer, content: Content): boolean {
  let at = 0
  for (const piece of pieces({ ...content, bytes: Math.min(content.bytes, bytes.length) })) {
    if (!piece.equals(bytes.subarray(at, at + piece.length))) return false
    at += piece.length
  }
  return at === bytes.length
}
