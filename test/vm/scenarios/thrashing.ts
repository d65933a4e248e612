import { applicationUnit } from '../applications.ts'
import { switchOff, watchRelease } from '../hard-times.ts'
import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'

/** s */
const DEADLINE = 150
/** s: 30 % of the deadline, at most what the guest's settings allow. */
const HOLD = 45
/** MiB: memory, the swap on its disk, and what a service has and goes through over and over. */
const [MEMORY, SWAP, WANTED] = [1024, 512, 900]
const SWAPPING = `fallocate -l ${SWAP}M /swap && chmod 600 /swap && mkswap -q /swap && swapon /swap`

/** More memory is in use than there is, and the disk is busy with the rest of it: the evidence comes late, but it comes. */
export const scenario: Scenario = {
  name: 'thrashing',
  suites: ['bookworm', 'trixie'],
  turns: ['rest', 'rest', 'trixie', 'rest', 'rest', 'bookworm'],
  minutes: 3,
  async run({ boot, bucket, operator, step }, signal) {
    const settings = `[seal]\nrecipients = ["${operator.recipient}"]`
    const { '/etc/systemd/system/thrasher.service': unit } = applicationUnit('thrasher', `thrasher ${WANTED}`)
    const files = { '/etc/systemd/system/thrasher.service': unit as { readonly content: string } }
    await using machine = await boot({ settings, deadline: DEADLINE, files, memoryMiB: MEMORY })
    await bootDone(machine, signal)
    await watchRelease(machine, signal)
    await machine.ok(SWAPPING, signal)
    await machine.ok('systemctl start --no-block thrasher.service', signal)
    await machine.ok("until journalctl -b -q -o cat -t thrasher | grep -q '^thrasher ready'; do sleep 1; done", signal)
    step(await machine.ok("grep -H . /proc/pressure/memory; grep -E 'SwapFree|MemAvailable' /proc/meminfo", signal))
    await switchOff({ bucket, step }, machine, { deadline: DEADLINE, hold: HOLD }, signal)
  },
}
