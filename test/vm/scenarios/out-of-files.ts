import { equal } from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkReceipts } from '../bucket.ts'
import { checkArrived, checkReleased, checkTimeUsed, watchRelease } from '../hard-times.ts'
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
    const asked = Number(await machine.ok('echo $EPOCHREALTIME', signal))
    await machine.sh('systemctl poweroff', signal)
    step((await machine.console.waitFor(/lastgasp: .*/, signal))[0])
    equal(await machine.off(signal), 'guest-shutdown')
    await bucket.openForReading(signal)
    const bundle = await bucket.onlyBundle(signal)
    checkReceipts(bundle)
    checkArrived(bundle)
    checkTimeUsed(bundle, DEADLINE)
    step(`applications were let go after ${checkReleased(machine, asked, HOLD).toFixed(1)} s`)
  },
}
