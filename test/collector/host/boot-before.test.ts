import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { type BootBefore, bootBefore, isLeft } from '../../../agent/collector/host/boot-before.ts'
import { scanJournals } from '../../../agent/collector/host/journal/scan.ts'
import { BOOT, host, write } from '../crashed-cores/cores.ts'
import { unhurried } from '../reading.ts'
import { writeJournal } from './journal/write-journal.ts'

const MACHINE = '1'.repeat(32)
const [BEFORE, LONG_AGO] = ['2'.repeat(32), '4'.repeat(32)]
/** Its only line is of 2023, as those of all others here: long before this boot. */
const journal = (boot: string, ...more: (readonly string[])[]) =>
  writeJournal([['MESSAGE=hello'], ...more], boot, false, randomBytes(16).toString('hex'))
/** What journald and logind log in an ordered stop, and what anybody may log. */
const STOPPED = ['MESSAGE_ID=d93fb3c9c24d451a97cea615ce59c00b', '_TRANSPORT=driver']
const GOES = ['MESSAGE_ID=98268866d1d54a499c4e98921d93bc40', '_SYSTEMD_UNIT=systemd-logind.service']
const FORGED = ['MESSAGE_ID=d93fb3c9c24d451a97cea615ce59c00b', '_TRANSPORT=journal']
/** Another one's last line is an hour later. */
const later = (boot: string, file = journal(boot)) => {
  for (const at of [184, 192]) file.writeBigUInt64LE(file.readBigUInt64LE(at) + 3_600_000_000n, at)
  return file
}

/** What is found out on a host with these journal files. */
async function found(test: Test, files: Readonly<Record<string, Buffer>>, remembered?: BootBefore['remembered']) {
  const root = host(test)
  write(root, '/etc/machine-id', `${MACHINE}\n`)
  for (const [name, content] of Object.entries(files))
    write(root, `/var/log/journal/${name.includes('/') ? name : `${MACHINE}/${name}`}`, content)
  const before = await bootBefore(root, remembered, unhurried())
  const { files: all } = await scanJournals(root, unhurried())
  return {
    before,
    its: all.filter(({ header }) => before.files.has(header.fileId)).map(({ path }) => path.split('/').at(-1)),
  }
}

t.test('a journal that was not closed is that of a boot that was cut', async (t) => {
  const { before, its } = await found(t, { 'system@1.journal~': journal(BEFORE), 'user-7@1.journal': journal(BEFORE) })
  t.match(before, { id: BEFORE, journal: 'cut', from: 1_700_000_000_000, remembered: undefined, boot: { id: BOOT } })
  t.same(its, ['system@1.journal~', 'user-7@1.journal'])
  const older = { 'system@0.journal~': journal(BEFORE), 'system@1.journal': journal(BEFORE, ['_PID=1'], STOPPED) }
  t.equal((await found(t, older)).before.journal, 'closed', 'journald was started anew in it, and then closed well')
  const users = { 'user-7@1.journal~': later(BEFORE), 'system@1.journal': journal(BEFORE, STOPPED) }
  t.equal((await found(t, users)).before.journal, 'closed', 'a user’s file tells nothing of the host')
})

t.test('a journal that is closed is one of an ordered stop where it says so: journald closes what rests', async (t) => {
  const endOf = async (file: Buffer, remembered?: BootBefore['remembered']) =>
    (await found(t, { 'system@1.journal': file }, remembered)).before.journal
  t.equal(await endOf(journal(BEFORE)), 'cut')
  t.equal(await endOf(journal(BEFORE, STOPPED)), 'closed')
  t.equal(await endOf(journal(BEFORE, GOES, ['MESSAGE=Stopped target'])), 'closed')
  t.equal(await endOf(journal(BEFORE, FORGED)), 'cut', 'only journald says so')
  t.equal(await endOf(later(BEFORE, journal(BEFORE, STOPPED))), 'cut', 'an hour after it, the host still ran')
  t.equal(await endOf(journal(BEFORE), { id: BEFORE, captured: true, stored: [] }), 'closed', 'a capture saw its end')
  t.equal(await endOf(journal(BEFORE), { id: BEFORE, captured: false, stored: [] }), 'cut')
  const damaged = journal(BEFORE)
  damaged.fill(0xff, 256)
  t.equal(await endOf(damaged), 'closed', 'what cannot be read tells nothing')
})

t.test('a journal that this boot goes on with was closed', async (t) => {
  const goneOnWith = later(BOOT, journal(BEFORE, STOPPED))
  Buffer.from(BOOT, 'hex').copy(goneOnWith, 56)
  const rested = later(BOOT, journal(BEFORE))
  Buffer.from(BOOT, 'hex').copy(rested, 56)
  t.match((await found(t, { 'system.journal': rested })).before, { id: undefined, journal: 'cut' })
  // journald goes on with what rests, and so with what an earlier boot has ended well.
  const others = { id: LONG_AGO, captured: false, stored: [] }
  t.match((await found(t, { 'system.journal': goneOnWith }, others)).before, { id: LONG_AGO, journal: 'cut' })
  t.match((await found(t, { 'system.journal': goneOnWith }, { ...others, id: BEFORE })).before, { journal: 'closed' })
  const long = { 'system@0.journal~': journal(LONG_AGO), 'system.journal': goneOnWith }
  const { before, its } = await found(t, long)
  t.match(before, { id: undefined, journal: 'closed' }, 'the boot long ago is not the one before')
  t.same(its, ['system.journal'])
  const remembered = { id: BEFORE, captured: true, stored: [] }
  t.match((await found(t, long, remembered)).before, { id: BEFORE, journal: 'closed' })
})

t.test('what is remembered names the boot; without a journal nothing is known of its end', async (t) => {
  const remembered = { id: BEFORE, captured: false, stored: [] }
  t.match((await found(t, {}, remembered)).before, { id: BEFORE, journal: 'none', from: undefined })
  t.match((await found(t, {})).before, { id: undefined, journal: 'none' })
  const unnamed = await found(
    t,
    { 'system@1.journal~': later(LONG_AGO), 'system@0.journal': journal(LONG_AGO) },
    remembered,
  )
  t.match(unnamed.before, { id: BEFORE, journal: 'cut' }, 'journald had gone on with it shortly before')
  t.same(unnamed.its, ['system@1.journal~'])
  const { before: clean } = await found(t, { 'system@1.journal~': later(LONG_AGO) }, { ...remembered, captured: true })
  t.match(clean, { id: BEFORE, journal: 'none' }, 'one that was captured and has no journal')
  const both = { 'system@0.journal~': journal(BEFORE), 'system@1.journal~': later(LONG_AGO) }
  t.match((await found(t, both, remembered)).before, { id: BEFORE, journal: 'cut' })
})

t.test('journals that came with the image are of another machine', async (t) => {
  const builders = { [`${'9'.repeat(32)}/system@1.journal~`]: journal(BEFORE) }
  t.match((await found(t, builders)).before, { id: undefined, journal: 'none' })
})

t.test('what is listed of that which lies there', async (t) => {
  const boot = { id: BOOT, began: 10_000_000, earliest: 10_000_000 }
  const mark = '00000000000000aa'
  const fresh: BootBefore = {
    id: BEFORE,
    journal: 'closed',
    from: undefined,
    files: new Set(),
    remembered: undefined,
    boot,
  }
  const kept = (stored: readonly string[]) => ({ ...fresh, remembered: { id: BEFORE, captured: true, stored } })
  t.equal(isLeft({ mark, at: 0 }, kept([])), true, 'nobody has stored it')
  t.equal(isLeft({ mark, at: 9_999_999, bootId: BEFORE }, kept([mark])), false)
  t.equal(isLeft({ mark, at: 0, bootId: BEFORE }, fresh), true)
  t.equal(isLeft({ mark, at: 9_999_999, bootId: LONG_AGO }, fresh), false)
  t.equal(isLeft({ mark, at: 9_999_999 }, fresh), true, 'soon before this one')
  t.equal(isLeft({ mark, at: 5_000_000 }, fresh), false)
  t.equal(isLeft({ mark, at: 5_000_000 }, { ...fresh, from: 4_000_000 }), true, 'since that boot began')
})
