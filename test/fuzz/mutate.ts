export type Random = () => number

const below = (random: Random, most: number) => Math.floor(random() * most)
const among = <T>(random: Random, all: readonly T[]): T => all[below(random, all.length)] as T

/** Numbers of a format that readers are likely not to be prepared for. */
const WILD = [0n, 1n, 0x7fn, 0x80n, 0xffn, 0xffffn, 0x7fffffffn, 0xffffffffn, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]
/** Pieces of text that mean something to somebody. */
const TEXTS = [
  ...[
    '\0',
    '\n',
    '\\',
    '"',
    "'",
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '=',
    '/',
    '../',
    '%s',
    '#',
    '\u001b[2J',
    '\u202e',
    'é',
    '\ud800',
  ],
  ...[
    'null',
    'true',
    '-1',
    '1e309',
    'NaN',
    '__proto__',
    'constructor',
    '99999999999999999999',
    ' '.repeat(300),
    'x'.repeat(70_000),
  ],
]

type Mutation = (bytes: Buffer, random: Random, others: readonly Buffer[]) => Buffer

const MUTATIONS: readonly Mutation[] = [
  (bytes, random) => {
    for (let n = below(random, 8); n >= 0 && bytes.length > 0; n--) {
      const at = below(random, bytes.length)
      bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << below(random, 8)), at)
    }
    return bytes
  },
  (bytes, random) => {
    for (let n = below(random, 16); n >= 0 && bytes.length > 0; n--)
      bytes[below(random, bytes.length)] = below(random, 256)
    return bytes
  },
  (bytes, random) => {
    if (bytes.length < 8) return bytes
    const number = among(random, WILD)
    const at = below(random, bytes.length - 7)
    const aligned = random() < 0.7 ? at - (at % 4) : at
    if (random() < 0.5) bytes.writeBigUInt64LE(number, aligned)
    else bytes.writeUInt32LE(Number(number & 0xffffffffn), aligned)
    return bytes
  },
  (bytes, random) => bytes.subarray(0, below(random, bytes.length + 1)),
  (bytes, random) => bytes.subarray(below(random, bytes.length + 1)),
  (bytes, random) => inserted(bytes, below(random, bytes.length + 1), Buffer.from(among(random, TEXTS))),
  (bytes, random) => {
    const from = below(random, bytes.length + 1)
    const piece = bytes.subarray(from, from + below(random, 256))
    return inserted(bytes, below(random, bytes.length + 1), Buffer.concat(Array(1 + below(random, 40)).fill(piece)))
  },
  (bytes, random) => {
    const from = below(random, bytes.length + 1)
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + below(random, 64))])
  },
  (bytes, random, others) => {
    const other = among(random, others)
    return Buffer.concat([
      bytes.subarray(0, below(random, bytes.length + 1)),
      other.subarray(below(random, other.length + 1)),
    ])
  },
]

const inserted = (bytes: Buffer, at: number, piece: Buffer) =>
  Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)])

/** One of these as somebody might have damaged it: the same for the same numbers. */
export function mutated(corpus: readonly Buffer[], random: Random): Buffer {
  let bytes = Buffer.from(among(random, corpus))
  for (let n = below(random, 4); n >= 0; n--) bytes = Buffer.from(among(random, MUTATIONS)(bytes, random, corpus))
  return bytes
}
