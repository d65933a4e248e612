import { execFileSync } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { askWhy, WHO_ASKED } from '../../agent/collector/why.ts'
import { from, writeJournal } from './host/journal/write-journal.ts'
import { hostWith, muteHost } from './systemd-with.ts'

const never = new AbortController().signal

/** SD_MESSAGE_SHUTDOWN of systemd's sd-messages.h. */
const SHUTDOWN = 'MESSAGE_ID=98268866d1d54a499c4e98921d93bc40'

t.test('only logind says who asked for the shutdown', async (t) => {
  const path = join(t.testdir(), 'a.journal')
  const said = (message: string, unit: string | undefined, uid: number) => [
    SHUTDOWN,
    `MESSAGE=${message}`,
    ...from(unit, uid),
    '_COMM=systemd-logind',
    'SYSLOG_IDENTIFIER=systemd-logind',
  ]
  const entries = [
    said('The system will power off now!', 'systemd-logind.service', 0),
    said('root did it, a user says', 'session-4.scope', 1000),
    said('root did it, a service says', 'shop.service', 0),
    said('root did it, says who is gone', undefined, 1000),
    ['MESSAGE=something else', ...from('systemd-logind.service', 0)],
  ]
  writeFileSync(path, writeJournal(entries))
  const printed = execFileSync('journalctl', [`--file=${path}`, ...WHO_ASKED], { encoding: 'utf8' })
  t.equal(printed, 'The system will power off now!\n')
})

/** Programs by these names, in place of those of the machine until the test has ended. */
function inPlaceOf(test: Test, programs: Readonly<Record<string, string>>): void {
  const directory = test.testdir(programs)
  for (const name of Object.keys(programs)) chmodSync(join(directory, name), 0o755)
  const before = process.env.PATH
  process.env.PATH = `${directory}:${before}`
  test.teardown(() => {
    process.env.PATH = before
  })
}

t.test('which shutdown it is, as far as somebody says', async (t) => {
  const root = await hostWith(t, [
    ['reboot.target', 'start', 'waiting'],
    ['poweroff.target.service', 'stop', 'running'],
  ])
  inPlaceOf(t, { journalctl: '#!/bin/sh\necho "The system will reboot now!"\n' })
  t.same(await askWhy(root, 0, never), { kind: 'reboot', by: 'The system will reboot now!' })
  inPlaceOf(t, { journalctl: '#!/bin/sh\nexit 1\n' })
  t.same(await askWhy(t.testdir({}), 0, never), { kind: 'unknown' }, 'no systemd is there')
})

t.test('who does not answer is not waited for', async (t) => {
  // What the program has started outlives it: its end of the pipe stays open.
  const late = '#!/bin/sh\n(sleep 20; echo by hand) & wait\n'
  inPlaceOf(t, { journalctl: late })
  const root = await hostWith(t, [['reboot.target', 'start', 'waiting']])
  t.same(await askWhy(root, 0, never), { kind: 'reboot' }, 'by a bound of its own')
  const mute = await muteHost(t)
  inPlaceOf(t, { journalctl: '#!/bin/sh\necho by hand\n' })
  t.same(await askWhy(mute, 0, never), { kind: 'unknown', by: 'by hand' })
  t.same(await askWhy(root, 0, AbortSignal.abort()), { kind: 'unknown' })
})
