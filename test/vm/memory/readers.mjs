// Runs in a guest, on the baked program's own reader of /proc/kcore: reads pages one at a time, then by two readers at once with
// many reads in flight, then one at a time again. What was alike the first and the last time must be the same to both readers.
//   node readers.mjs PAGES FIRST-END...    numbers of physical pages; prints one JSON object
import { randomInt } from 'node:crypto'
import { openSync, readSync } from 'node:fs'
import { openKcore } from '/usr/lib/lastgasp/agent/collector/machine-memory/kcore-reader.js'

const PAGE = 4096
const IN_FLIGHT = 8
const WORD = 8
const PT_LOAD = 1
/** p_paddr of what is not plain memory: fs/proc/kcore.c */
const NOWHERE = 0xffffffffffffffffn

const [count, ...given] = process.argv.slice(2)
const ranges = given.map((range) => range.split('-').map(Number))
const signal = AbortSignal.timeout(300_000)
const segments = memory()

const total = ranges.reduce((sum, [first, end]) => sum + end - first, 0)
const chosen = Array.from({ length: Number(count) }, () => place(nth(randomInt(total))))
const alone = await openKcore('/', 1, signal)
const before = await read(alone, 1)
const together = await Promise.all([openKcore('/', IN_FLIGHT, signal), openKcore('/', IN_FLIGHT, signal)])
const both = await Promise.all(together.map((reader) => read(reader, IN_FLIGHT)))
const after = await read(alone, 1)

const still = chosen
  .keys()
  .filter((i) => before[i].equals(after[i]))
  .toArray()
const apart = still.map((i) => wordsApart(both[0][i], both[1][i])).filter((words) => words > 0)
console.log(JSON.stringify({ pages: chosen.length, still: still.length, apart }))

/** Reads all chosen pages, so many at a time. */
async function read(reader, inFlight) {
  const pages = chosen.map(() => Buffer.alloc(PAGE))
  const left = chosen.keys()
  const worker = async () => {
    for (const i of left) await reader.read(chosen[i], pages[i], signal)
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
  return pages
}

/** Where a page lies in /proc/kcore. */
function place(page) {
  const address = BigInt(page) * BigInt(PAGE)
  const { from, offset } = segments.find(({ from, size }) => from <= address && address < from + size)
  return offset + address - from
}

/** The n-th page of all ranges. */
function nth(n) {
  for (const [first, end] of ranges) {
    if (n < end - first) return first + n
    n -= end - first
  }
}

function memory() {
  const file = openSync('/proc/kcore')
  const header = Buffer.alloc(64)
  readSync(file, header, 0, 64, 0)
  const table = Buffer.alloc(header.readUInt16LE(56) * 56)
  readSync(file, table, 0, table.length, header.readBigUInt64LE(32))
  return Array.from({ length: table.length / 56 }, (_, i) => ({
    type: table.readUInt32LE(i * 56),
    offset: table.readBigUInt64LE(i * 56 + 8),
    from: table.readBigUInt64LE(i * 56 + 24),
    size: table.readBigUInt64LE(i * 56 + 32),
  })).filter(({ type, from }) => type === PT_LOAD && from !== NOWHERE)
}

function wordsApart(one, other) {
  let words = 0
  for (let at = 0; at < PAGE; at += WORD) if (one.readBigUInt64LE(at) !== other.readBigUInt64LE(at)) words++
  return words
}
