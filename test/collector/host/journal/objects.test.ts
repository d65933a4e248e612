import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { JournalObjects } from '../../../../agent/collector/host/journal/objects.ts'
import { siphash24 } from '../../../../agent/collector/host/journal/siphash.ts'
import { openKernelFile } from '../../../../agent/collector/host/kernel-file.ts'
import { unhurried } from '../../reading.ts'
import { FILES, fixture, journalctl } from '../../sources/journal/host.ts'
import { from, writeJournal } from './write-journal.ts'

t.test('SipHash-2-4', async (t) => {
  const key = Buffer.from(Array.from({ length: 16 }, (_, i) => i))
  const data = Buffer.from(Array.from({ length: 15 }, (_, i) => i))
  t.equal(siphash24(data, key), 0xa129ca6149be45e5n, 'the vector of its paper, appendix A')
  t.equal(siphash24(Buffer.alloc(0), key), 0x726fdb47dd0e0e31n, 'vectors_sip64 of the reference code')
  t.equal(siphash24(data.subarray(0, 8), key), 0x93f5f5799a932462n)
})

async function on<T>(content: Buffer, look: (objects: JournalObjects, path: string) => Promise<T>): Promise<T> {
  const path = join(t.testdir(), 'a.journal')
  writeFileSync(path, content)
  using file = await openKernelFile(path, unhurried())
  return await look(await JournalObjects.of(file, unhurried()), path)
}

const written = () =>
  writeJournal(Array.from({ length: 50 }, (_, n) => [`MESSAGE=line ${n % 7}`, ...from('a.service', n % 3)]))
const journals = [...FILES, 'crash/environment.journal.zst', 'crash/core.journal.zst'].map(fixture)

t.test('has the fields and values that journalctl sees, and no others', async (t) => {
  for (const content of [...journals, written()]) {
    await on(content, async (objects, path) => {
      const lines = (...args: string[]) =>
        journalctl(`--file=${path}`, ...args)
          .trim()
          .split('\n')
          .sort()
      const fields = lines('--fields')
      for (const field of ['COREDUMP', 'COREDUMP_ENVIRON', 'MESSAG', 'MESSAGES', '', ...fields])
        t.equal(await objects.hasField(field), fields.includes(field), field)
      for (const field of ['MESSAGE', '_UID', '_COMM', 'COREDUMP_EXE']) {
        const values = await Array.fromAsync(objects.values(field, 1000))
        t.same(
          values.map(({ text }) => text?.slice(field.length + 1)).sort(),
          fields.includes(field) ? lines(`--field=${field}`) : [],
        )
        for (const { text, at } of values) t.equal((await objects.find(text ?? ''))?.at, at)
      }
    })
  }
})

t.test('the entries of a value are those that journalctl finds', async (t) => {
  for (const content of [...journals, written()]) {
    await on(content, async (objects, path) => {
      for await (const value of objects.values('MESSAGE', 1000)) {
        const entries = (await Array.fromAsync(objects.entriesOf(value))).flat()
        const found = journalctl(`--file=${path}`, value.text ?? '')
          .trim()
          .split('\n')
        t.equal(entries.length, found.length, value.text ?? '')
        t.ok((await objects.itemsOf(entries[0] ?? 0)).includes(value.at))
      }
    })
  }
})

t.test('newest values first, and no more than are wanted', async (t) => {
  await on(written(), async (objects) => {
    const uids = await Array.fromAsync(objects.values('_UID', 3))
    t.same(
      uids.map(({ text }) => text),
      ['_UID=2', '_UID=1', '_UID=0'],
    )
    await t.rejects(Array.fromAsync(objects.values('_UID', 2)), /more than 2 values of _UID/)
  })
})

t.test('a damaged file ends in an error or in less, never in a loop', async (t) => {
  const whole = journals[3] ?? Buffer.alloc(0)
  let seed = 7
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31
    return seed % below
  }
  const outcomes = new Set<string>()
  for (let round = 0; round < 90; round++) {
    const damaged = Buffer.from(round % 3 === 0 ? whole.subarray(0, random(whole.length)) : whole)
    for (let hits = 0; hits < 200 && damaged.length > 0; hits++) damaged[random(damaged.length)] = random(256)
    const look = on(damaged, async (objects) => {
      for await (const value of objects.values('MESSAGE', 1000))
        for await (const entries of objects.entriesOf(value)) for (const entry of entries) await objects.itemsOf(entry)
    })
    outcomes.add(
      await look.then(
        () => 'read',
        () => 'failed',
      ),
    )
  }
  t.same([...outcomes].sort(), ['failed', 'read'])
})
