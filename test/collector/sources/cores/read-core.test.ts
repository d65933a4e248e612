import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import t from 'tap'
import { openRegular } from '../../../../agent/collector/read-file.ts'
import { mappedFilesOf, parseElfHead } from '../../../../agent/collector/sources/cores/elf-head.ts'
import { frameWalk } from '../../../../agent/collector/sources/cores/frame-walk.ts'
import { type Expected, readCore } from '../../../../agent/collector/sources/cores/read-core.ts'
import { unhurried } from '../../reading.ts'
import { compress, realCore, scratch, write } from './cores.ts'

const directory = scratch(t)
const real = realCore(directory)
const skip = typeof real === 'string' ? real : false
const { core, program } = typeof real === 'string' ? { core: Buffer.alloc(0), program: '' } : real

async function read(content: Buffer, expected: Expected, limit = 2 ** 40) {
  const file = await openRegular(write(directory, '/read', content), unhurried())
  await using reading = readCore(file, expected, limit, unhurried())
  const chunks: Buffer[] = []
  for await (const chunk of reading.chunks) chunks.push(chunk)
  return { content: Buffer.concat(chunks), ...reading.outcome() }
}

t.test('the headers of a real core', { skip }, async (t) => {
  const head = parseElfHead(core)
  const buildId = /Build ID: ([0-9a-f]+)/.exec(execFileSync('readelf', ['-n', program], { encoding: 'utf8' }))?.[1]
  t.match(head, { end: core.length, signal: 6, comm: 'crasher', uid: process.getuid?.(), buildId, threads: 1 })
  t.equal(mappedFilesOf(core)?.[0], program, 'the program, then its libraries')
  t.match(mappedFilesOf(core)?.slice(1), [/\/libc[.-]/, /\/ld-/])
  t.equal(mappedFilesOf(core.subarray(0, 300)), 'more')
  t.equal(mappedFilesOf(core.subarray(0, 300), true), undefined)
  t.equal(parseElfHead(core.subarray(0, 63)), 'more')
  t.equal(parseElfHead(core.subarray(0, 300)), 'more')
  t.equal(parseElfHead(Buffer.concat([Buffer.from('x'), core])), undefined)
})

t.test('which of its threads crashed', { skip }, async (t) => {
  // The notes of the one thread twice more, as the kernel writes those of the others.
  const at = Number(core.readBigUInt64LE(64 + 8))
  const size = Number(core.readBigUInt64LE(64 + 32))
  const notes = core.subarray(at, at + size)
  const thread = notes.readInt32LE(20 + 32)
  const longer = Buffer.concat([core.subarray(0, at), notes, notes, notes])
  longer.writeBigUInt64LE(BigInt(3 * size), 64 + 32)
  const { identity } = await read(longer, { suffix: '' })
  t.match(identity, { pid: thread, threads: 3, note: `thread ${thread} of 3 crashed` })
})

t.test('headers that are no headers end', { skip }, async (t) => {
  let seed = 3
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31
    return seed % below
  }
  for (let round = 0; round < 3000; round++) {
    const damaged = Buffer.from(core.subarray(0, 16 * 1024))
    for (let hits = 0; hits < 1 + (round % 40); hits++) damaged[random(round % 2 === 0 ? 64 : 8192)] = random(256)
    parseElfHead(damaged)
    parseElfHead(damaged, true)
    mappedFilesOf(damaged, true)
  }
  const note = Buffer.from(core.subarray(0, 16 * 1024))
  const at = Number(note.readBigUInt64LE(64 + 8))
  note.writeUInt32LE(0xfffffff4, at)
  note.writeUInt32LE(0, at + 4)
  t.match(parseElfHead(note), { end: core.length }, 'a note whose name leads back to itself')
})

t.test('a plain core', { skip }, async (t) => {
  const whole = await read(core, { suffix: '' })
  t.equal(whole.content.compare(core), 0)
  t.equal(whole.truncated, undefined)
  t.match(whole.identity, { signal: 6, comm: 'crasher' })
  t.notHas(whole.identity, { end: core.length })
  const cut = await read(core.subarray(0, 1024 ** 2), { suffix: '' })
  t.match(cut.truncated, /^the host stored only 1MiB of its [67]\.\d+MiB$/)
  t.match((await read(core, { suffix: '' }, 1000)).truncated, /^only the first 1000B of/, 'our own cut comes first')
  t.match((await read(core, { suffix: '', cut: 'known to be cut' })).truncated, 'known to be cut')
})

t.test('a compressed core is passed on as it is', { skip }, async (t) => {
  for (const [suffix, packed] of [
    ['.zst', compress(core)],
    ['.zst', compress(core, 'zstd', '--no-check', '-19')],
    ['.lz4', compress(core, 'lz4')],
    ['.lz4', compress(core, 'lz4', '-BX', '--content-size')],
    ['.xz', compress(core, 'xz', '-0')],
  ] as const) {
    const whole = await read(packed, { suffix })
    t.equal(whole.content.compare(packed), 0)
    t.equal(whole.truncated, undefined, suffix)
    t.match(whole.identity, suffix === '.zst' ? { signal: 6, comm: 'crasher' } : undefined)
    const cut = await read(packed.subarray(0, -3), { suffix })
    t.match(cut.truncated, /^the host's file is cut: /, `${suffix} without its end`)
    t.equal(cut.content.length, packed.length - 3, 'its prefix is kept')
  }
  const small = await read(compress(core), { suffix: '.zst', rlimit: 1024 ** 2 })
  t.match(small.truncated, /^the host cut it: [67]\.\d+MiB were more than the core limit of 1MiB$/)
  t.equal((await read(compress(core), { suffix: '.zst', rlimit: core.length })).truncated, undefined)
})

t.test('what is no core', async (t) => {
  t.same(await read(Buffer.from('hello'), { suffix: '' }), { content: Buffer.from('hello') })
  t.match((await read(Buffer.alloc(0), { suffix: '' })).truncated, "the host's file is empty")
  t.match(
    (await read(Buffer.from('hello, world'), { suffix: '.zst' })).truncated,
    /^it is no whole zstd file: at byte 4/,
  )
  t.match((await read(randomBytes(99), { suffix: '.xz' })).truncated, /no xz footer/)
})

t.test('frames are followed however the file is cut into chunks', async (t) => {
  const parts = [randomBytes(300_000), Buffer.alloc(500_000), Buffer.alloc(0)]
  for (const [suffix, format] of [
    ['.zst', 'zstd'],
    ['.lz4', 'lz4'],
  ] as const) {
    const skippable = Buffer.from('502a4d180300000061626350', 'hex').subarray(0, 11)
    const frames = Buffer.concat([...parts.map((part) => compress(part, format)), skippable])
    for (const size of [1, 2, 3, 7, 4096, frames.length]) {
      const walk = frameWalk(suffix)
      for (let at = 0; at < frames.length; at += size) walk?.push(frames.subarray(at, at + size))
      t.equal(walk?.flaw(), undefined, `${suffix} in pieces of ${size}`)
    }
    const whole = new Set([
      0,
      ...[1, 2, 3].map((n) => Buffer.concat(parts.slice(0, n).map((part) => compress(part, format))).length),
    ])
    for (let end = 1; end < frames.length; end += 997) {
      const walk = frameWalk(suffix)
      walk?.push(frames.subarray(0, end))
      t.equal(walk?.flaw() === undefined, whole.has(end), `${suffix} cut at ${end}`)
    }
  }
  t.equal(frameWalk('.gz'), undefined)
})
