import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { coredumpUser } from '../../../../agent/collector/host/journal/coredump-words.ts'
import { openKernelFile } from '../../../../agent/collector/host/kernel-file.ts'
import { holdsMemory } from '../../../../agent/collector/sources/journal/memory-fields.ts'
import { coredumpUnit, crash, type Fields, from, writeJournal } from '../../host/journal/write-journal.ts'
import { unhurried } from '../../reading.ts'
import { FILES, fixture } from './host.ts'

/** The user systemd-coredump of the hosts of these tests. */
const COREDUMP = 997

async function holds(content: Buffer, user: number | 'none' = COREDUMP, signal = unhurried()) {
  const path = join(t.testdir(), 'a.journal')
  writeFileSync(path, content)
  using file = await openKernelFile(path, unhurried())
  return await holdsMemory(file, user === 'none' ? undefined : user, signal)
}

const line = ['MESSAGE=a line', ...from('app.service', 0)]
const ENVIRON = 'COREDUMP_ENVIRON=PASSWORD=invented'
const logged = (unit: string | undefined, uid: number, field = ENVIRON) => [
  ...crash(7, [field]),
  ...from(unit, uid),
  '_COMM=systemd-coredum',
  '_EXE=/usr/lib/systemd/systemd-coredump',
]
const among = (...entries: readonly Fields[]) => writeJournal([line, ...entries, line])

t.test("systemd-coredump's words on a crash are memory", async (t) => {
  const unit = coredumpUnit(7)
  t.equal(await holds(among()), false)
  t.equal(await holds(among([...crash(7), ...from(unit, COREDUMP)])), false, 'a crash without its environment')
  t.equal(await holds(among(logged(unit, COREDUMP))), true, "of the system's")
  t.equal(await holds(among(logged(unit, 1000))), true, "of a user's, as that user")
  t.equal(await holds(among(logged(unit, 0))), true)
  t.equal(await holds(among(logged(unit, 1000, 'COREDUMP=core'))), true, 'the core itself')
  t.equal(await holds(among(logged('systemd-coredump.service', 0))), true, 'one process for all crashes')
})

t.test("a user's are not, whatever they say", async (t) => {
  for (const [unit, uid] of [
    ['session-4.scope', 1000],
    ['user@1000.service', 1000],
    ['shop.service', 33],
    ['shop.service', 0],
    [undefined, 33],
  ] as const) {
    t.equal(await holds(among(logged(unit, uid))), false, `${unit} ${uid}`)
    t.equal(await holds(among(logged(unit, uid, 'COREDUMP=x'))), false, `${unit} ${uid}`)
  }
  const both = among(logged('shop.service', 33), logged('session-4.scope', 1000), logged(coredumpUnit(8), 1000))
  t.equal(await holds(both), true, 'a real one among them')
})

t.test('who was gone when journald looked may be systemd-coredump', async (t) => {
  t.equal(await holds(among(logged(undefined, COREDUMP))), true, 'its own user')
  t.equal(await holds(among(logged(undefined, 1000))), true, 'a user that it may have become')
  t.equal(await holds(among(logged(undefined, 61_200))), true, 'a dynamic user')
  t.equal(await holds(among(logged(undefined, 33)), 'none'), true, 'where it has no user that is known')
  t.equal(await holds(among(logged('shop.service', 33)), 'none'), false, 'but this one was there')
  t.equal(await holds(among(logged(undefined, 0)), 'none'), true)
})

t.test('a flood of lines that are not looked at one by one', async (t) => {
  const flood = (unit: string | undefined, uid: number) =>
    Array.from({ length: 20_001 }, (_, n) => [`COREDUMP_ENVIRON=${n}`, ...from(unit, uid)])
  t.equal(await holds(writeJournal([line, ...flood('shop.service', 33), line])), false, "of the system's users")
  t.equal(await holds(writeJournal([line, ...flood(undefined, 33), line])), false, 'that are gone')
  t.equal(
    await holds(writeJournal([...flood('session-4.scope', 1000), line])),
    true,
    "a user's, in that user's own file",
  )
})

t.test('a value that is being written', async (t) => {
  const content = among(logged('shop.service', 33))
  const at = content.indexOf(ENVIRON) - 64
  t.equal(await holds(content), false)
  for (const field of [40, 48, 56]) content.writeBigUInt64LE(0n, at + field)
  t.equal(await holds(content), true, 'has no entry yet, so nobody knows whose it is')
})

t.test('the files of a real journald', async (t) => {
  // Made without units: whoever logged them may have been systemd-coredump.
  t.equal(await holds(fixture('crash/environment.journal.zst'), 'none'), true)
  t.equal(await holds(fixture('crash/core.journal.zst'), 'none'), true)
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
  t.equal(await changed((content) => point(content, 500_000_000n)), true, 'no field where one should be')
  t.equal(await holds(fixture('crash/system.journal.zst').subarray(0, 100)), true)
  t.equal(await holds(fixture('crash/system.journal.zst'), COREDUMP, AbortSignal.abort()), true, 'no time')
})

t.test('the user of systemd-coredump', async (t) => {
  const passwd = 'root:x:0:0::/root:/bin/sh\nnot-systemd-coredump:x:5:5::/:/\nsystemd-coredump:!*:997:997:Dumper:/:/x\n'
  t.equal(await coredumpUser(t.testdir({ etc: { passwd } }), unhurried()), 997)
  t.equal(await coredumpUser(t.testdir({ etc: { passwd: 'root:x:0:0::/root:/bin/sh\n' } }), unhurried()), undefined)
  t.equal(await coredumpUser(t.testdir({}), unhurried()), undefined)
})
