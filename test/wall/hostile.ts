import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { encoded } from './conversations.ts'

export type Random = () => number

export const among = <T>(random: Random, all: readonly T[]): T => all[Math.floor(random() * all.length)] as T
const below = (random: Random, most: number) => Math.floor(random() * most)

const NUMBERS = [0, -0, 1, -1, 0.1, 65_537, 2 ** 31, 2 ** 53, 2 ** 64, 1e308, -1e308, 1_800_001]
const TEXTS = [
  ...[
    '',
    'x',
    '../../etc/shadow',
    'cores:../a',
    '__proto__',
    'constructor',
    'toString',
    'a\u0000b',
    '\u001b[2J',
    '\u202egnp.exe',
  ],
  ...['\ud800', 'ü', '0123456789abcdef', 'ffffffffffffffff', 'x'.repeat(600), 'é'.repeat(5_000), '\\'.repeat(20_000)],
]
const KEYS = [
  ...[
    'v',
    'do',
    'session',
    'id',
    'limit',
    'within',
    'occasion',
    'trigger',
    'boot',
    'before',
    'captured',
    'stored',
    'mark',
    'item',
    'gap',
    'finding',
    'identity',
  ],
  ...['source', 'class', 'status', 'reason', 'because', 'toString', '__proto__', 'length', 'then', 'toJSON'],
]

/** Any value that JSON can have, of things that readers stumble over. */
export function anything(random: Random, depth = 0): unknown {
  const kind = below(random, depth > 3 ? 4 : 7)
  if (kind === 0) return among(random, [null, true, false])
  if (kind === 1) return among(random, NUMBERS)
  if (kind < 4) return among(random, TEXTS)
  if (kind === 4) return Array.from({ length: below(random, 4) }, () => anything(random, depth + 1))
  if (kind === 5) return nested(below(random, 5_000))
  const entries = Array.from({ length: below(random, 5) }, () => [among(random, KEYS), anything(random, depth + 1)])
  return Object.fromEntries(entries)
}

function nested(depth: number): unknown {
  let value: unknown = 1
  for (let n = 0; n < depth; n++) value = [value]
  return value
}

/** The same, with something else in some of its places. */
export function mutated(random: Random, value: unknown, odds = 0.15): unknown {
  if (random() < odds) return anything(random)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((one) => mutated(random, one, odds))
  const entries = Object.entries(value)
    .filter(() => random() > odds / 3)
    .map(([key, field]) => [random() < odds / 3 ? among(random, KEYS) : key, mutated(random, field, odds)])
  return Object.fromEntries(entries)
}

/** A message with a JSON payload, whatever it is and however deep. */
export function messageOf(kind: number, value: unknown): Buffer {
  try {
    return encoded(kind, Buffer.from(JSON.stringify(value) ?? ''))
  } catch {
    // Deeper than can be written in one go.
    return encoded(kind, Buffer.from(`${'['.repeat(30_000)}${']'.repeat(30_000)}`))
  }
}

/** Bytes that were damaged on their way: other ones in some places, some lost, some twice, or cut. */
export function damaged(random: Random, bytes: Buffer): Buffer {
  const at = below(random, bytes.length + 1)
  const other = Buffer.from(bytes)
  for (let hit = 0; hit < 3 && other.length > 0; hit++) other[below(random, other.length)] = below(random, 256)
  return among(random, [
    () => other,
    () => bytes.subarray(0, at),
    () => bytes.subarray(at),
    () => Buffer.concat([bytes.subarray(0, at), bytes.subarray(below(random, at + 1))]),
    () => Buffer.from(Array.from({ length: below(random, 200) }, () => below(random, 256))),
    () => Buffer.concat([Buffer.from([0xff, 0xff, 0xff, 0xff]), bytes.subarray(4)]),
  ])()
}

/** What is left in use of the heap. */
export function heapAfterCollection(): number {
  collect()
  return process.memoryUsage().heapUsed
}

const collect = globalThis.gc ?? exposedCollection()

function exposedCollection(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}
