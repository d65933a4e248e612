import { equal } from 'node:assert/strict'
import { applicationUnit } from '../applications.ts'
import { checkReceipts } from '../bucket.ts'
import { checkArrived, checkReleased, checkTimeUsed, watchRelease } from '../hard-times.ts'
import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'

const DEADLINE = 150
/** s: 30 % of the deadline. */
const HOLD = 45
/** Processes of the bomb at a time, each of which forks as fast as it can. */
const TASKS = '200'

/** A service forks as fast as it can, up to its limit, for ever. */
export const scenario: Scenario = {
  name: 'fork-bomb',
  suites: ['bookworm', 'trixie'],
  minutes: 3,
  async run({ boot, bucket, operator, step }, signal) {
    const settings = `[seal]\nrecipients = ["${operator.recipient}"]`
    const files = applicationUnit('victim', 'lingerer victim 1')
    await using machine = await boot({ settings, files, deadline: DEADLINE })
    await bootDone(machine, signal)
    await watchRelease(machine, signal)
    const bomb = "bash -c 'bomb() { bomb | bomb & }; while :; do bomb; wait; done'"
    await machine.ok(`systemd-run --quiet --unit=bomb -p TasksMax=${TASKS} ${bomb}`, signal)
    const asked = Number(await machine.ok('sleep 2; echo $EPOCHREALTIME', signal))
    await machine.sh('systemctl poweroff', signal)
    step((await machine.console.waitFor(/lastgasp: .*/, signal))[0])
    equal(await machine.off(signal), 'guest-shutdown')
    await bucket.openForReading(signal)
    const bundle = await bucket.onlyBundle(signal)
    for (const { artifact, status, ms, reason } of bundle.manifest.receipts)
      step(`${artifact} ${status}: ${ms} ms ${reason ?? ''}`)
    checkReceipts(bundle)
    checkArrived(bundle)
    checkTimeUsed(bundle, DEADLINE)
    step(`applications were let go after ${checkReleased(machine, asked, HOLD).toFixed(1)} s`)
  },
}
