import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { OwnedFile } from '../../../agent/collector/host/owned-file.ts'
import { KcoreReader, openKcore } from '../../../agent/collector/machine-memory/kcore-reader.ts'
import { leftOpen } from '../host/open-descriptors.ts'

const signal = AbortSignal.timeout(60_000)
const MIB = 1024 * 1024

function rootWith(t: Test, content: Buffer): string {
  const root = t.testdir({})
  mkdirSync(join(root, 'proc'))
  writeFileSync(join(root, 'proc/kcore'), content)
  return root
}

t.test('many reads at once, each right', async (t) => {
  const content = Buffer.from(Uint32Array.from({ length: 4 * MIB }, (_, index) => index * 2654435761).buffer)
  const root = rootWith(t, content)
  using kcore = await openKcore(root, 3, signal)
  const places = Array.from({ length: 200 }, (_, index) => (index * 7919 * 4096) % (content.length - 8192))
  const read = await Promise.all(
    places.map(async (place) => {
      const into = Buffer.alloc(8192)
      t.equal(await kcore.read(BigInt(place), into, signal), 0)
      return into
    }),
  )
  t.ok(read.every((into, index) => into.equals(content.subarray(places[index], (places[index] ?? 0) + 8192))))
})

t.test('what cannot be read is zeros, and counted to the page', async (t) => {
  const root = t.testdir({})
  mkdirSync(join(root, 'proc'))
  // Our own memory has holes, as the machine's has.
  symlinkSync('/proc/self/mem', join(root, 'proc/kcore'))
  const maps = readFileSync('/proc/self/maps', 'latin1').split('\n')
  const ranges = maps.flatMap((line) => {
    const [, start = '', end = '', read] = /^([0-9a-f]+)-([0-9a-f]+) (r)?/.exec(line) ?? []
    return start === '' ? [] : [{ start: BigInt(`0x${start}`), end: BigInt(`0x${end}`), read: read === 'r' }]
  })
  const last = ranges.find(({ end, read }, index) => read && (ranges[index + 1]?.start ?? 0n) > end + 1_048_576n)
  if (last === undefined) throw new Error('this process has no hole of 1 MiB behind readable memory')
  using kcore = await openKcore(root, 2, signal)
  const into = Buffer.alloc(40 * 4096, 0xff)
  t.equal(await kcore.read(last.end - 4096n, into, signal), 39 * 4096)
  t.ok(into.subarray(4096).every((byte) => byte === 0))
})

t.test('a read that waits for a descriptor and is given up costs none', async (t) => {
  const root = rootWith(t, Buffer.alloc(64 * MIB, 7))
  {
    using kcore = await openKcore(root, 1, signal)
    const long = kcore.read(0n, Buffer.alloc(64 * MIB), signal)
    const impatient = new AbortController()
    const waiting = kcore.read(0n, Buffer.alloc(4096), impatient.signal)
    impatient.abort(new Error('enough'))
    await t.rejects(waiting, { message: 'enough' })
    t.equal(await long, 0)
    const after = Buffer.alloc(4096)
    t.equal(await kcore.read(0n, after, signal), 0)
    t.equal(after[4095], 7)
  }
  t.equal(await leftOpen(join(root, 'proc/kcore')), 0, 'all are closed')
})

t.test('a descriptor that is still being read from is nobody else’s, however long ago that was given up', async (t) => {
  const reads: PromiseWithResolvers<{ bytesRead: number }>[] = []
  const read = () => {
    reads.push(Promise.withResolvers())
    return reads.at(-1)?.promise
  }
  using kcore = new KcoreReader([new OwnedFile('kcore', { read, close: async () => {} } as unknown as FileHandle)])
  const impatient = new AbortController()
  const hung = kcore.read(0n, Buffer.alloc(4096), impatient.signal)
  impatient.abort(new Error('enough'))
  await t.rejects(hung, { message: 'enough' })
  const next = kcore.read(0n, Buffer.alloc(4096), signal)
  for (let turns = 0; turns < 5; turns++) await turn()
  t.equal(reads.length, 1)
  reads[0]?.resolve({ bytesRead: 4096 })
  for (let turns = 0; turns < 5; turns++) await turn()
  t.equal(reads.length, 2)
  reads[1]?.resolve({ bytesRead: 4096 })
  t.equal(await next, 0)
})
