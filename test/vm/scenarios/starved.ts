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
    // All at once: a second service would not come to its first line. The shell of the tests has to.
    await machine.ok('renice -n -20 $PPID', signal)
    const spinners = `for n in {1..${SPINNERS}}; do /usr/lib/vm/spinning & done; wait`
    await machine.ok(`systemd-run --quiet --unit=spinners -p Nice=-20 bash -c '${spinners}'`, signal)
    // logind and its bus, which have nothing of the processor, are not what this is about: PID 1 is told (SIGRTMIN+4, systemd(1)).
    const terms = { deadline: DEADLINE, hold: HOLD, off: 'kill -s RTMIN+4 1' }
    await switchOff({ bucket, step }, machine, terms, signal)
  },
}
