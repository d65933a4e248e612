import { writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { hasField, holdsMemory } from '../../../../agent/collector/sources/journal/memory-fields.ts'
import { unhurried } from '../../reading.ts'
import { FILES, fixture, journalctl } from './host.ts'

async function on<T>(content: Buffer, look: (file: Awaited<ReturnType<typeof open>>, path: string) => Promise<T>) {
  const path = join(t.testdir(), 'a.journal')
  writeFileSync(path, content)
  await using file = await open(path)
  return await look(file, path)
}
const holds = (content: Buffer) => on(content, (file) => holdsMemory(file, unhurried()))

t.test('has the fields that journalctl sees, and no others', async (t) => {
  for (const name of [...FILES, 'crash/environment.journal.zst', 'crash/core.journal.zst']) {
    await on(fixture(name), async (file, path) => {
      const fields = journalctl(`--file=${path}`, '--fields').trim().split('\n')
      for (const field of fields) t.equal(await hasField(file, field, unhurried()), true, `${field} in ${name}`)
      for (const field of ['COREDUMP', 'COREDUMP_ENVIRON', 'MESSAG', 'MESSAGES', ''])
        t.equal(await hasField(file, field, unhurried()), fields.includes(field), `${field} in ${name}`)
    })
  }
})

t.test('memory in a journal', async (t) => {
  t.equal(await holds(fixture('crash/environment.journal.zst')), true)
  t.equal(await holds(fixture('crash/core.journal.zst')), true)
  t.equal(await holds(fixture('crash/system.journal.zst')), false)
  for (const name of FILES) t.equal(await holds(fixture(name)), false, name)
})

t.test('a file that does not tell is taken for one that holds it', async (t) => {
  const changed = async (change: (content: Buffer) => void) => {
    const content = fixture('crash/system.journal.zst')
    change(content)
    return await holds(content)
  }
  t.equal(await changed(() => {}), false)
  t.equal(await changed((content) => content.writeUInt32LE(content.readUInt32LE(12) & ~4, 12)), true, 'Jenkins hashes')
  t.equal(await changed((content) => content.writeUInt32LE(content.readUInt32LE(12) | 32, 12)), true, 'unknown flags')
  t.equal(await changed((content) => content.writeBigUInt64LE(0n, 128)), true, 'no table of fields')
  t.equal(await changed((content) => content.writeBigUInt64LE(2n ** 40n, 120)), true, 'a table beyond the end')
  const table = (content: Buffer) => Number(content.readBigUInt64LE(120))
  const end = (content: Buffer) => table(content) + Number(content.readBigUInt64LE(128))
  const point = (content: Buffer, to: bigint) => {
    for (let at = table(content); at < end(content); at += 16) content.writeBigUInt64LE(to, at)
  }
  t.equal(await changed((content) => point(content, 500_000n)), true, 'no field where one should be')
  t.equal(await holds(fixture('crash/system.journal.zst').subarray(0, 100)), true)
  t.equal(
    await on(fixture('crash/system.journal.zst'), (file) => holdsMemory(file, AbortSignal.abort())),
    true,
    'no time',
  )
})
