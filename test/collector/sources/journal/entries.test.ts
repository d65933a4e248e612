import { writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { findEntries } from '../../../../agent/collector/sources/journal/entries.ts'
import { siphash24 } from '../../../../agent/collector/sources/journal/siphash.ts'
import { unhurried } from '../../reading.ts'
import { FILES, fixture, journalctl } from './host.ts'

const CRASH = 'MESSAGE_ID=fc2e22bc6ee647b6b90729ab34a250b1'
const FIELDS = ['COREDUMP_PID', 'COREDUMP_UNIT', 'COREDUMP_TRUNCATED', 'COREDUMP_PROC_MAPS']
const crashes = FILES.findLast((name) => name.startsWith('system@') && name.endsWith('.journal.zst')) ?? ''

t.test('SipHash-2-4', async (t) => {
  const key = Buffer.from(Array.from({ length: 16 }, (_, i) => i))
  const data = Buffer.from(Array.from({ length: 15 }, (_, i) => i))
  t.equal(siphash24(data, key), 0xa129ca6149be45e5n, 'the vector of its paper, appendix A')
  t.equal(siphash24(Buffer.alloc(0), key), 0x726fdb47dd0e0e31n, 'vectors_sip64 of the reference code')
  t.equal(siphash24(data.subarray(0, 8), key), 0x93f5f5799a932462n)
})

async function find(content: Buffer, field: string, most = 99) {
  const path = join(t.testdir(), 'a.journal')
  writeFileSync(path, content)
  await using file = await open(path)
  return { path, entries: await findEntries(file, field, FIELDS, most, unhurried()) }
}

t.test('finds what journalctl finds', async (t) => {
  const { path, entries } = await find(fixture(crashes), CRASH)
  t.equal(entries.length, 8)
  const pids = entries.map((entry) => entry.get('COREDUMP_PID'))
  const judged = journalctl(`--file=${path}`, CRASH, '--output-fields=COREDUMP_PID').trim().split('\n')
  t.same(pids, judged)
  t.same(entries[0]?.get('COREDUMP_UNIT'), 'app@101.service')
  t.same(
    entries.map((entry) => entry.get('COREDUMP_TRUNCATED')).filter((value) => value !== undefined),
    ['1'],
  )
  t.notOk(
    entries.some((entry) => entry.has('COREDUMP_PROC_MAPS')),
    'a long field is compressed, and left',
  )
  const newest = await find(fixture(crashes), CRASH, 2)
  t.same(
    newest.entries.map((entry) => entry.get('COREDUMP_PID')),
    ['107', '108'],
  )
  t.same((await find(fixture(crashes), 'MESSAGE_ID=nothing')).entries, [])
  t.same((await find(fixture('system.journal.zst'), CRASH)).entries, [])
})

t.test('a damaged file ends in an error or in less, never in a loop', async (t) => {
  const whole = fixture(crashes)
  let seed = 7
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31
    return seed % below
  }
  const outcomes = new Set<string>()
  for (let round = 0; round < 90; round++) {
    const damaged = Buffer.from(round % 3 === 0 ? whole.subarray(0, random(whole.length)) : whole)
    for (let hits = 0; hits < 200 && damaged.length > 0; hits++) damaged[random(damaged.length)] = random(256)
    outcomes.add(
      await find(damaged, CRASH).then(
        () => 'found',
        () => 'failed',
      ),
    )
  }
  t.same([...outcomes].sort(), ['failed', 'found'])
})
