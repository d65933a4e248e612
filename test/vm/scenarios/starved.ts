import { switchOff, watchRelease } from '../hard-times.ts'
import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'

/** s: a tenth of one emulated processor is what is left for us. */
const DEADLINE = 150
/** s for which applications may be held: 30 % of the deadline, at most what the guest's settings allow. */
const HOLD = 45
const SPINNERS = 4

/** One processor, and four services that want all of it at the highest priority: the evidence comes late, but it comes. */
export const scenario: Scenario = {
  name: 'starved',
  suites: ['bookworm', 'trixie'],
  minutes: 3,
  async run({ boot, bucket, operator, step }, signal) {
    const settings = `[seal]\nrecipients = ["${operator.recipient}"]`
    await using machine = await boot({ settings, deadline: DEADLINE, processors: 1 })
    await bootDone(machine, signal)
    await watchRelease(machine, signal)
    for (let n = 0; n < SPINNERS; n++)
      await machine.ok(`systemd-run --quiet --unit=spinner${n} -p Nice=-20 /usr/lib/vm/spinning`, signal)
    await switchOff({ bucket, step }, machine, { deadline: DEADLINE, hold: HOLD }, signal)
  },
}
