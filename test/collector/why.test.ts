import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { WHO_ASKED } from '../../agent/collector/why.ts'
import { from, writeJournal } from './host/journal/write-journal.ts'

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
