import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { appendFileSync, truncateSync, utimesSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { mappedFilesOf, readElfHead } from '../../../agent/collector/crashed-cores/elf-head.ts'
import { frameWalk } from '../../../agent/collector/crashed-cores/frame-walk.ts'
import { readCore } from '../../../agent/collector/crashed-cores/read-core.ts'
import type { Expected } from '../../../agent/collector/crashed-cores/wholeness.ts'
import { openRegular } from '../../../agent/collector/host/open-file.ts'
import { allTaken } from '../../streams/poisoned.ts'
import { syntheticCore } from '../elf/synthetic-core.ts'
import { unhurried } from '../reading.ts'
import { compress, realCore, scratch, write } from './cores.ts'

const directory = scratch(t)
const real = realCore(directory)
const skip = typeof real === 'string' ? real : false
const { core, program } = typeof real === 'string' ? { core: Buffer.alloc(0), program: '' } : real

async function read(content: Buffer, expected: Expected, limit = 2 ** 40, meanwhile = (_: string) => {}) {
  const path = write(directory, '/read', content)
  const file = await openRegular(path, unhurried())
  await using reading = await readCore(file, expected, limit, unhurried())
  const chunks: Buffer[] = []
  for await (const chunk of allTaken(reading.chunks)) {
    chunks.push(chunk)
    meanwhile(path)
  }
  return { content: Buffer.concat(chunks), ...reading.outcome() }
}
const readerOf = (file: Buffer) => async (at: number, length: number) => file.subarray(at, at + length)

t.test('the headers of a real core', { skip }, async (t) => {
  const head = await readElfHead(readerOf(core))
  const buildId = /Build ID: ([0-9a-f]+)/.exec(execFileSync('readelf', ['-n', program], { encoding: 'utf8' }))?.[1]
  t.match(head, {
    layout: { end: core.length, isAll: true },
    process: { signal: 6, comm: 'crasher', uid: process.getuid?.(), buildId, threads: 1 },
  })
  const mapped = await mappedFilesOf(readerOf(core))
  t.equal(mapped?.[0], program, 'the program, then its libraries')
  t.match(mapped?.slice(1), [/\/libc[.-]/, /\/ld-/])
  t.equal(await mappedFilesOf(readerOf(core.subarray(0, 300))), undefined)
  t.match(await readElfHead(readerOf(core.subarray(0, 63))), { layout: { end: 64, isAll: false } })
  t.equal(await readElfHead(readerOf(Buffer.concat([Buffer.from('x'), core]))), undefined)
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
  t.match(identity, { pid: thread, threads: 3, details: { thread } })
})

t.test('notes that are no notes end', { skip }, async (t) => {
  const note = Buffer.from(core.subarray(0, 16 * 1024))
  const at = Number(note.readBigUInt64LE(64 + 8))
  note.writeUInt32LE(0xfffffff4, at)
  note.writeUInt32LE(0, at + 4)
  t.match(await readElfHead(readerOf(note)), { layout: { end: core.length } }, 'a note whose name leads back to itself')
})

t.test('cores of 32 bits, of the other byte order, of very many mappings', async (t) => {
  for (const shape of [
    { bits: 32, loads: 100 },
    { bits: 64, loads: 100, order: 'big' },
    { bits: 32, loads: 100, order: 'big' },
    { bits: 64, loads: 66_000 },
  ] as const) {
    const made = syntheticCore(shape)
    const who = { pid: 4711, signal: 11, comm: 'invented' }
    for (const [suffix, content] of [
      ['', made],
      ['.zst', compress(made)],
    ] as const) {
      const whole = await read(content, { suffix })
      t.equal(whole.truncated, undefined)
      t.equal(whole.identity?.unchecked, undefined)
      t.match(whole.identity, who)
    }
    const cut = made.subarray(0, made.length / 2)
    for (const [suffix, content] of [
      ['', cut],
      ['.zst', compress(cut)],
      ['.zst', compress(cut, 'zstd', '--no-content-size')],
      ['.gz', gzipSync(cut)],
    ] as const) {
      const { truncated, identity } = await read(content, { suffix })
      t.match(
        truncated,
        /^the host stored only [\d.]+[KM]iB of its [\d.]+[KM]iB$/,
        `${suffix} ${JSON.stringify(shape)}`,
      )
      t.match(identity, who)
    }
  }
})

t.test('a core that was cut before it was compressed', { skip }, async (t) => {
  const cut = core.subarray(0, 1024 ** 2)
  const stored = /^the host stored only 1MiB of its [67]\.\d+MiB$/
  const half = cut.length / 2
  const frames = Buffer.concat([compress(cut.subarray(0, half)), compress(cut.subarray(half))])
  const behind = Buffer.alloc(5 * 1024 ** 2)
  behind.writeUInt32LE(0x184d2a53)
  behind.writeUInt32LE(behind.length - 8, 4)
  for (const content of [
    compress(cut),
    frames,
    compress(cut, 'zstd', '--no-content-size'),
    Buffer.concat([behind, frames]),
  ]) {
    const { truncated, identity } = await read(content, { suffix: '.zst' })
    t.match(truncated, stored)
    t.match(identity, { signal: 6, comm: 'crasher' })
  }
  for (const format of ['lz4', 'xz'] as const) {
    const { truncated, identity } = await read(compress(cut, format), { suffix: `.${format}` })
    t.equal(truncated, undefined)
    t.strictSame(identity, { unchecked: 'format' }, 'and who reads it is told')
  }
  const damaged = Buffer.from(compress(core, 'zstd', '--no-content-size'))
  damaged.writeUInt8(damaged.readUInt8(damaged.length - 1) ^ 1, damaged.length - 1)
  t.match((await read(damaged, { suffix: '.zst' })).truncated, /^the host's file is damaged: /)
})

t.test('a file that is written to while it is read', async (t) => {
  const made = syntheticCore({ bits: 64, loads: 3000 })
  t.ok(made.length > 2 * 4 * 1024 ** 2, 'more than one chunk')
  const written = { truncated: 'the file was written to while it was read' }
  t.match(await read(made, { suffix: '' }, 2 ** 40, (path) => appendFileSync(path, 'x')), written)
  t.match(await read(made, { suffix: '' }, 2 ** 40, (path) => utimesSync(path, 1, 1)), written)
  const shrunk = await read(made, { suffix: '' }, 2 ** 40, (path) => truncateSync(path, 1000))
  t.match(shrunk.truncated, /^the file shrank while it was read/)
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
    t.match(whole.identity, suffix === '.zst' ? { signal: 6, comm: 'crasher' } : { unchecked: 'format' })
    if (suffix === '.zst') t.equal(whole.identity?.unchecked, undefined)
    const cut = await read(packed.subarray(0, -3), { suffix })
    t.match(cut.truncated, /^the host's file is cut: /, `${suffix} without its end`)
    t.equal(cut.content.length, packed.length - 3, 'its prefix is kept')
  }
  t.equal((await read(compress(core), { suffix: '.zst', rlimit: 1024 ** 2 })).truncated, undefined, 'it is all there')
})

t.test('what is no core', async (t) => {
  const hello = { content: Buffer.from('hello'), identity: { unchecked: 'headers' } }
  t.strictSame(await read(Buffer.from('hello'), { suffix: '' }), hello, 'how long it should be is not known')
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
