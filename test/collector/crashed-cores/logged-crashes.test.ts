import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { loggedCrashes } from '../../../agent/collector/crashed-cores/logged-crashes.ts'
import { coredumpUnit, crash, type Fields, from, writeJournal } from '../host/journal/write-journal.ts'
import { unhurried } from '../reading.ts'
import { journalctl, MACHINE } from '../sources/journal/host.ts'

const core = (pid: number) =>
  `/var/lib/systemd/coredump/core.app.998.33333333333343338333333333333333.${pid}.1700000000000000.zst`
const TRACE = `Stack trace of thread 7:\n${Array.from({ length: 60 }, (_, n) => `#${n}  0x00007f2a4c0891f5 f${n} (app + 0x1)`).join('\n')}`

/** What systemd-coredump logs of a crash, with its trace. */
const told = (pid: number, trace: string): Fields => [
  ...crash(pid).filter((field) => !field.startsWith('MESSAGE=')),
  `MESSAGE=Process ${pid} (app) of user 998 dumped core.\n\nModule app without build-id.\n${trace}`,
  ...from(coredumpUnit(pid), 998),
]

function host(t: Test, entries: readonly Fields[], isPacked: boolean) {
  const root = t.testdir({})
  const directory = join(root, 'var/log/journal', MACHINE)
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'system.journal'), writeJournal(entries, undefined, isPacked))
  return { root, path: join(directory, 'system.journal') }
}

for (const isPacked of [false, true]) {
  t.test(`what was logged of a core, ${isPacked ? 'compressed' : 'as it is'}`, async (t) => {
    const forged = [
      ...crash(9).filter((field) => !field.startsWith('MESSAGE=')),
      `MESSAGE=x\n${TRACE}`,
      ...from('app.service', 998),
    ]
    const entries = [told(7, TRACE), told(8, 'it was not looked into'), forged]
    const { root, path } = host(t, entries, isPacked)
    t.match(journalctl(`--file=${path}`, 'COREDUMP_PID=7', '--output=cat'), /#59 /, 'the file is one of a journal')
    const logged = await loggedCrashes(root, unhurried())
    const known = (pid: number) => ({
      ...{ signal: 11, unit: `app@${pid}.service`, exe: '/usr/bin/app', core: core(pid), pid },
      ...{ at: logged.find((one) => one.pid === pid)?.at, bootId: /^[0-9a-f]{32}$/ },
    })
    t.match(logged, [known(8), { ...known(7), trace: TRACE }], 'the newest first')
    t.equal(logged.length, 2, 'nobody else is believed')
    t.equal(logged[0]?.trace, undefined)
    t.ok((logged[1]?.at ?? 0) > 1e12)
  })
}

t.test('what is too long to be one, and a file that is damaged', async (t) => {
  const long = host(t, [told(8, TRACE), told(7, `${TRACE}\n${'x'.repeat(300_000)}`)], true)
  const [cut, whole] = await loggedCrashes(long.root, unhurried())
  t.match(cut, { pid: 7, trace: undefined })
  t.match(whole, { pid: 8, trace: TRACE }, 'costs itself')
  writeFileSync(long.path, Buffer.alloc(5000, 7))
  t.strictSame(await loggedCrashes(long.root, unhurried()), [])
})
