import { applicationUnit } from '../applications.ts'
import { switchOff, watchRelease } from '../hard-times.ts'
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
    await machine.ok(`systemd-run --quiet --unit=bomb -p TasksMax=${TASKS} -p TimeoutStopSec=15 ${bomb}`, signal)
    await machine.ok('sleep 2', signal)
    await switchOff({ bucket, step }, machine, { deadline: DEADLINE, hold: HOLD }, signal)
  },
}
