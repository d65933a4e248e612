import { setTimeout as sleep } from 'node:timers/promises'
import { switchOff, watchRelease } from '../hard-times.ts'
import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'

const DEADLINE = 120
/** s: 30 % of the deadline. */
const HOLD = 36

/** No file can be opened any more by anybody without CAP_SYS_ADMIN (ENFILE, file-max in proc_sys_fs(5)). */
export const scenario: Scenario = {
  name: 'out-of-files',
  suites: ['bookworm', 'trixie'],
  minutes: 2,
  async run({ boot, bucket, link, operator, step }, signal) {
    const settings = `[seal]\nrecipients = ["${operator.recipient}"]`
    await using machine = await boot({ settings, deadline: DEADLINE })
    await bootDone(machine, signal)
    await watchRelease(machine, signal)
    // The daemon has all of its program by then.
    while (link.connections === 0) await sleep(500, undefined, { signal })
    await machine.ok('read open rest </proc/sys/fs/file-nr; echo $open >/proc/sys/fs/file-max', signal)
    const refused = await machine.sh('setpriv --reuid=33 --clear-groups cat /etc/hostname', signal)
    step(`another user: ${refused.stderr.trim()}`)
    await switchOff({ bucket, step }, machine, { deadline: DEADLINE, hold: HOLD }, signal)
  },
}
