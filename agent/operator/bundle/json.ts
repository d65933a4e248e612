/**
 * JSON that came with a bundle. Text of a few megabytes can be parsed into a gigabyte, and nest deeper than what walks through
 * it; so its structure is looked at before anything is made of it.
 */

/** How deep objects and lists may lie in one another: a manifest has six levels. */
const MOST_DEPTH = 32
/** Values in one document: 20,000 receipts have 800,000, and each takes some 50 bytes of memory. */
const MOST_VALUES = 1_000_000

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c]
const OPENING: readonly number[] = [0x5b, 0x7b]
const CLOSING: readonly number[] = [0x5d, 0x7d]

/** The value that a text in UTF-8 holds. Throws what is wrong with it. */
export function parseJson(bytes: Buffer): unknown {
  checkStructure(bytes)
  return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
}

function checkStructure(bytes: Buffer): void {
  let depth = 0
  let values = 1
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] as number
    if (byte === QUOTE) at = endOfString(bytes, at)
    else if (byte === COMMA) values += 1
    else if (OPENING.includes(byte)) {
      depth += 1
      values += 1
    } else if (CLOSING.includes(byte)) depth -= 1
    if (depth > MOST_DEPTH) throw new Error(`it nests more than ${MOST_DEPTH} deep`)
    if (values > MOST_VALUES) throw new Error(`it holds more than ${MOST_VALUES} values`)
  }
}

/** Where the string ends that begins at `at`. */
function endOfString(bytes: Buffer, at: number): number {
  for (let end = at + 1; end < bytes.length; end += 1) {
    if (bytes[end] === BACKSLASH) end += 1
    else if (bytes[end] === QUOTE) return end
  }
  return bytes.length
}
