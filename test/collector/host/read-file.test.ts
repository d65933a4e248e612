import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { appendFileSync, mkdirSync, renameSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { type OpenFile, openRegular, openSame } from '../../../agent/collector/host/open-file.ts'
import { readFrom } from '../../../agent/collector/host/read-file.ts'
import { READ_BYTES } from '../../../agent/collector/host/reading.ts'
import { blocksAtOnce } from '../../../agent/frames/encode.ts'
import type { Lease } from '../../../agent/streams/lease.ts'
import { taken } from '../../streams/poisoned.ts'
import { unhurried } from '../reading.ts'
import { leftOpen } from './open-descriptors.ts'

async function read(path: string, limit: number, between: () => void = () => {}) {
  const file = await openRegular(path, unhurried())
  await using reading = readFrom(file, file.stats.size, limit, unhurried())
  const chunks: Buffer[] = []
  for await (const chunk of reading.chunks) {
    if (chunks.length === 0) between()
    chunks.push(taken(chunk))
  }
  return { content: Buffer.concat(chunks), sizes: chunks.map(({ length }) => length), outcome: reading.outcome() }
}

t.test('sizes around a chunk', async (t) => {
  const path = join(t.testdir(), 'file')
  const content = randomBytes(2 * READ_BYTES + 7)
  for (const size of [0, 1, READ_BYTES - 1, READ_BYTES, READ_BYTES + 1, content.length]) {
    writeFileSync(path, content.subarray(0, size))
    const whole = await read(path, 2 ** 40)
    t.equal(whole.content.compare(content, 0, size), 0, `${size} bytes`)
    t.ok(whole.sizes.every((length) => length > 0 && length <= READ_BYTES))
    t.same(whole.outcome, {})
    t.same((await read(path, size)).outcome, {}, 'a limit that suffices')
  }
  t.equal(await leftOpen(path), 0, 'nothing stays open')
})

t.test('limit', async (t) => {
  const path = join(t.testdir({ file: 'a'.repeat(1000) }), 'file')
  const { content, outcome } = await read(path, 999)
  t.equal(content.length, 999)
  t.same(outcome, { truncated: 'only the first 999B of 1000B were read' })
  t.equal((await read(path, 0)).content.length, 0)
})

t.test('what is released is read into again', async (t) => {
  const path = join(t.testdir(), 'file')
  const content = randomBytes(6 * READ_BYTES + 7)
  writeFileSync(path, content)
  const file = await openRegular(path, unhurried())
  await using reading = readFrom(file, file.stats.size, 2 ** 40, unhurried())
  const memory = new Set<ArrayBufferLike>()
  let at = 0
  for await (const { bytes, release } of reading.chunks) {
    t.equal(bytes.compare(content, at, at + bytes.length), 0, `${bytes.length} bytes at ${at}`)
    at += bytes.length
    memory.add(bytes.buffer)
    release()
  }
  t.equal(at, content.length)
  t.equal(memory.size, 2, 'one that is consumed, and one that is read ahead')
})

t.test('no more is lent than the frames hold at once, and all of it is freed with the reading', async (t) => {
  const path = join(t.testdir(), 'file')
  writeFileSync(path, '')
  truncateSync(path, 20 * READ_BYTES)
  const file = await openRegular(path, unhurried())
  const lent: Lease[] = []
  {
    await using reading = readFrom(file, file.stats.size, 2 ** 40, unhurried())
    const chunks = reading.chunks[Symbol.asyncIterator]()
    const take = async () => {
      const { value } = await chunks.next()
      if (value !== undefined) lent.push(value)
    }
    // One is read ahead of those that are held.
    while (lent.length < blocksAtOnce()) await take()
    let came = false
    await take()
    const waiting = take().then(() => {
      came = true
    })
    await sleep(50)
    t.notOk(came)
    lent[0]?.release()
    await waiting
  }
  t.equal(await leftOpen(path), 0)
  for (const { release } of lent.slice(1)) release()
  t.ok(lent.every(({ bytes }) => bytes.length === 0))
})

t.test('a file that changes while it is read', async (t) => {
  const path = join(t.testdir(), 'file')
  const size = 4 * READ_BYTES
  writeFileSync(path, randomBytes(size))
  const grown = await read(path, 2 ** 40, () => appendFileSync(path, 'more'))
  t.equal(grown.content.length, size)
  t.same(grown.outcome, {}, 'what is appended was not asked for')
  const shrunk = await read(path, 2 ** 40, () => truncateSync(path, 3 * READ_BYTES - 5))
  t.equal(shrunk.content.length, 3 * READ_BYTES - 5)
  t.match(shrunk.outcome.truncated, /^the file shrank while it was read: 12582907 of 16777220 bytes were left$/)
})

t.test('only regular files, and none hangs', async (t) => {
  const directory = t.testdir({ file: '' })
  symlinkSync(join(directory, 'file'), join(directory, 'link'))
  execFileSync('mkfifo', [join(directory, 'fifo')])
  const rejected = (name: string, reason: RegExp) => t.rejects(openRegular(join(directory, name), unhurried()), reason)
  await rejected('link', /cannot open .*link: ELOOP/)
  await rejected('fifo', /cannot open .*fifo: it is no regular file/)
  await rejected('.', /cannot open .*: it is no regular file/)
  await rejected('none', /cannot open .*none: ENOENT/)
  await t.rejects(openRegular('/dev/zero', unhurried()), /cannot open \/dev\/zero: it is no regular file/)
})

const disposed = async (opening: Promise<OpenFile>) => (await opening).handle[Symbol.dispose]()

t.test('the very file that was seen before', async (t) => {
  const directory = t.testdir({ mine: { file: 'mine' }, secret: { file: 'secret' } })
  const path = join(directory, 'mine/file')
  const seen = statSync(path)
  await disposed(openSame(path, seen, unhurried()))
  renameSync(join(directory, 'mine'), join(directory, 'aside'))
  symlinkSync('secret', join(directory, 'mine'))
  await t.rejects(
    openSame(path, seen, unhurried()),
    /cannot open .*file: it is not the file that was found there before/,
  )
  t.equal(await leftOpen(join(directory, 'secret/file')), 0)
  renameSync(join(directory, 'mine'), join(directory, 'link'))
  mkdirSync(join(directory, 'mine'))
  renameSync(join(directory, 'aside/file'), path)
  appendFileSync(path, ' and more')
  await disposed(openSame(path, seen, unhurried()))
  await t.rejects(openSame(path, { ...seen, dev: seen.dev + 1 }, unhurried()), /not the file/)
})

t.test('ends with its signal, and closes', async (t) => {
  const path = join(t.testdir(), 'file')
  writeFileSync(path, randomBytes(3 * READ_BYTES))
  await t.rejects(openRegular(path, AbortSignal.abort(new Error('time is up'))), /cannot open .*file: time is up/)
  const stop = new AbortController()
  const file = await openRegular(path, stop.signal)
  const reading = readFrom(file, file.stats.size, 2 ** 40, stop.signal)
  const taking = async () => {
    for await (const _ of reading.chunks) stop.abort(new Error('time is up'))
  }
  await t.rejects(taking(), new RegExp(`cannot read .*file at byte ${READ_BYTES}: time is up`))
  await reading[Symbol.asyncDispose]()
  t.equal(await leftOpen(path), 0)
})

t.test('a consumer that stops early', async (t) => {
  const path = join(t.testdir(), 'file')
  writeFileSync(path, randomBytes(3 * READ_BYTES))
  const file = await openRegular(path, unhurried())
  {
    await using reading = readFrom(file, file.stats.size, 2 ** 40, unhurried())
    for await (const chunk of reading.chunks) {
      t.equal(chunk.bytes.length, READ_BYTES)
      break
    }
    t.same(reading.outcome(), {}, 'it is not the file that is short')
  }
  t.equal(await leftOpen(path), 0)
})
