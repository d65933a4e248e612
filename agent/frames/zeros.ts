import { hash } from 'node:crypto'
import { FRAME_BYTES } from './marker.ts'

/**
 * A block of zeros, as a file's hole gives it: one for all, so that it is known without a look at its bytes, and compressed, hashed and
 * decompressed without any work. Nobody may write to it or release its memory.
 */
export const ZEROS = Buffer.alloc(FRAME_BYTES)

/** The frame of ZEROS, in hex, as zstd 1.5 writes it: RFC 8878, 3.1.1. */
const ZERO_FRAME = [
  // Magic; content size in 4 bytes and a checksum; a window of 512 KiB; the content size.
  '28b52ffd',
  '84',
  '48',
  '00004000',
  // Blocks of 128 KiB: one that repeats by a match, because zstd up to 1.4.3 takes no RLE block for a first one, and 31 of RLE.
  '5400001000000100fbff39c002',
  '02001000'.repeat(30),
  '03001000',
  // The checksum.
  '289dbc7c',
].join('')

/** SHA-256 of ZEROS, in hex. */
const ZERO_SHA256 = 'bb9f8df61474d25e71fa00722318cd387396ca1736605e1248821cc0de3d3af8'

/** Whether a block holds a whole frame of zeros. Other blocks differ at their beginning: that is a short look. */
export function isZeros(block: Buffer): boolean {
  return block.length === FRAME_BYTES && block.equals(ZEROS)
}

/** The frame of ZEROS, in memory of its own. */
export function zeroFrame(): Buffer {
  const frame = Buffer.allocUnsafeSlow(ZERO_FRAME.length / 2)
  frame.write(ZERO_FRAME, 'hex')
  return frame
}

/** Whether a frame is the very one of ZEROS. Another one may hold the same. */
export function isZeroFrame(frame: Buffer): boolean {
  return frame.length === ZERO_FRAME.length / 2 && frame.toString('hex') === ZERO_FRAME
}

/** SHA-256 of a frame's content. */
export function contentHash(content: Buffer): Buffer {
  return content === ZEROS ? Buffer.from(ZERO_SHA256, 'hex') : hash('sha256', content, 'buffer')
}
