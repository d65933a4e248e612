import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Captured } from '../../../agent/capture/capture.ts'
import { load, save } from '../../../agent/daemon/remembered/file.ts'
import { Memory } from '../../../agent/daemon/remembered/memory.ts'
import { type Remembered, readRemembered, writeRemembered } from '../../../agent/daemon/remembered/remembered.ts'
import { MOST_MARKS } from '../../../agent/words/evidence.ts'

const [MACHINE, FIRST, SECOND, THIRD] = ['1', '2', '3', '4'].map((digit) => digit.repeat(32)) as [
  string,
  ...string[],
] as [string, string, string, string]
const BUNDLE = '20261130T030000Z-0123456789abcdef'
const GOLDEN = readFileSync(join(import.meta.dirname, 'golden/remembered.json'), 'utf8')
const remembered: Remembered = {
  machine: MACHINE,
  boot: { id: SECOND, captured: false },
  before: { id: FIRST, captured: false, bundle: BUNDLE },
  stored: ['00000000000000aa', '00000000000000bb'],
}
const soon = () => AbortSignal.timeout(30_000)
const stored = (...marks: string[]) => ({ stored: marks }) as unknown as Captured

/** A daemon that comes up in a boot, and what it had to complain of. */
async function wakes(directory: string, boot: string | undefined, machine: string | undefined = MACHINE) {
  const problems: string[] = []
  const memory = await Memory.recall(directory, { machine, boot }, (problem) => problems.push(problem), soon())
  return { memory, problems }
}

t.test('what is written is as the page has it, and is read again', async (t) => {
  t.same(JSON.parse(writeRemembered(remembered)), JSON.parse(GOLDEN))
  t.same(readRemembered(GOLDEN), remembered)
  const directory = t.testdir()
  await save(directory, remembered)
  t.same(await load(directory), remembered)
  t.same(readdirSync(directory), ['remembered.json'])
  const marks = Array.from({ length: MOST_MARKS + 5 }, (_, n) => n.toString(16).padStart(16, '0'))
  t.same(readRemembered(writeRemembered({ ...remembered, stored: marks })).stored, marks.slice(5), 'the latest')
})

t.test('what is damaged or made up is as if it were not there, and that is said', async (t) => {
  const golden = JSON.parse(GOLDEN)
  const odd: readonly (readonly [string, unknown])[] = [
    ['version', { ...golden, version: 2 }],
    ['machine', { ...golden, machine: '../x' }],
    ['boot.id', { ...golden, boot: { ...golden.boot, id: 'x' } }],
    ['boot.captured', { ...golden, boot: { ...golden.boot, captured: 'yes' } }],
    ['before', { ...golden, before: [] }],
    ['before.bundle', { ...golden, before: { ...golden.before, bundle: '../../x' } }],
    ['stored', { ...golden, stored: ['x'] }],
    ['stored', { ...golden, stored: Array(MOST_MARKS + 1).fill('00000000000000aa') }],
    ['it', []],
  ]
  for (const [what, json] of odd)
    t.throws(() => readRemembered(JSON.stringify(json)), { message: `its ${what} is not as REMEMBERED.md has it` })
  const texts = ['', GOLDEN.slice(0, 100), `${GOLDEN}${' '.repeat(70_000)}`, JSON.stringify({ ...golden, version: 2 })]
  for (const text of texts) {
    const directory = t.testdir({ 'remembered.json': text })
    const { memory, problems } = await wakes(directory, THIRD)
    t.match(problems, [/cannot read .*remembered.json.*: as if nothing were remembered/])
    t.match([memory.owes, memory.told, problems.length], ['unknown', undefined, 1])
    t.match(await load(directory), { boot: { id: THIRD } }, 'and it is written anew')
  }
  const elsewhere = t.testdir({ secret: GOLDEN, state: {} })
  symlinkSync(join(elsewhere, 'secret'), join(elsewhere, 'state/remembered.json'))
  const { memory, problems } = await wakes(join(elsewhere, 'state'), THIRD)
  t.equal(memory.owes, 'unknown', 'no link is followed')
  t.equal(problems.length, 1)
})

t.test('from boot to boot', async (t) => {
  const directory = t.testdir()
  const first = (await wakes(directory, FIRST)).memory
  t.equal(first.owes, 'unknown', 'nothing was remembered')
  first.dealtWith()
  first.begun('shutdown', BUNDLE)
  first.ended('shutdown', undefined)
  await first.leave()

  const second = (await wakes(directory, SECOND)).memory
  t.same([second.owes, second.before], ['yes', { id: FIRST, captured: false, bundle: BUNDLE }], 'it was not captured')
  const again = (await wakes(directory, SECOND)).memory
  t.same(again.before, second.before, 'a daemon that was started anew has it still to do')
  again.begun('previous-boot', '20261130T040000Z-0123456789abcdef')
  again.ended('previous-boot', undefined)
  t.equal(again.owes, 'yes', 'nothing came of it')
  again.ended('previous-boot', stored('00000000000000aa'))
  t.same([again.owes, again.told], ['no', undefined])
  again.begun('shutdown', BUNDLE)
  again.ended('shutdown', stored('00000000000000bb', '00000000000000aa'))
  await again.leave()

  const third = (await wakes(directory, THIRD)).memory
  t.same(third.before, { id: SECOND, captured: true, bundle: BUNDLE })
  t.same(third.told, { id: SECOND, captured: true, stored: ['00000000000000bb', '00000000000000aa'] })
  third.dealtWith()
  await third.leave()
  t.equal((await wakes(directory, THIRD)).memory.owes, 'no')
})

t.test('a shutdown that was captured, and then called off, is none', async (t) => {
  const directory = t.testdir()
  const { memory } = await wakes(directory, FIRST)
  memory.ended('shutdown', stored())
  memory.dealtWith()
  await memory.written
  // The host goes on, and then goes without a word.
  const { memory: next } = await wakes(directory, SECOND)
  t.equal(next.before?.captured, false)
})

t.test('what another host remembered, whose image this was, is not ours', async (t) => {
  const directory = t.testdir({ 'remembered.json': GOLDEN })
  const { memory, problems } = await wakes(directory, THIRD, '9'.repeat(32))
  t.same([memory.owes, memory.told, problems], ['unknown', undefined, []])
})

t.test('without a place, an id or a disk nothing is remembered, which is said once', async (t) => {
  const directory = t.testdir({ full: { 'remembered.json.next': {} } })
  const missing = await wakes(join(directory, 'none'), FIRST)
  const nameless = await wakes(directory, undefined)
  const full = await wakes(join(directory, 'full'), FIRST)
  for (const { memory, problems } of [missing, nameless, full]) {
    memory.begun('shutdown', BUNDLE)
    memory.ended('shutdown', stored('00000000000000aa'))
    await memory.leave()
    t.match([memory.owes, memory.told], ['unknown', undefined])
    t.match(problems, [/^nothing is remembered from boot to boot: /])
    t.equal(problems.length, 1)
  }
})

t.test('a disk that fails later is told, and what was written before is not believed to be of now', async (t) => {
  const directory = t.testdir()
  const { memory, problems } = await wakes(directory, FIRST)
  mkdirSync(join(directory, 'remembered.json.next'))
  memory.begun('shutdown', BUNDLE)
  await memory.leave()
  t.match(problems, [/nothing is remembered/])
  t.equal(memory.owes, 'unknown')
})
