import { equal, ok } from 'node:assert/strict'
import { checkReceipts } from '../bucket.ts'
import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'

/** s: of the guest's clock, for userspace to go and come again once the capture has ended. */
const DEADLINE = 60
const TIMES = 2

/** Userspace goes and comes again, the kernel stays (systemctl(1), since systemd 254): each time is a capture, and so is the end. */
export const scenario: Scenario = {
  name: 'soft-reboot',
  suites: ['trixie'],
  minutes: 3,
  async run({ boot, bucket, operator, step }, signal) {
    const settings = `[seal]\nrecipients = ["${operator.recipient}"]`
    await using machine = await boot({ settings, deadline: DEADLINE })
    await bootDone(machine, signal)
    const pattern = await machine.ok('sysctl kernel.core_pattern kernel.core_pipe_limit', signal)
    for (let time = 1; time <= TIMES; time++) {
      const daemon = await machine.ok('systemctl show --property=MainPID --value lastgasp.service', signal)
      const again = machine.again(signal)
      await machine.sh('systemctl --no-block soft-reboot', signal)
      await again
      await bootDone(machine, signal)
      const next = await machine.ok('systemctl show --property=MainPID --value lastgasp.service', signal)
      equal(
        await machine.ok('sysctl kernel.core_pattern kernel.core_pipe_limit', signal),
        pattern,
        'cores are theirs again',
      )
      ok(next.trim() !== daemon.trim(), 'another daemon runs')
      step(`userspace has come again, time ${time}`)
    }
    await machine.sh('systemctl poweroff', signal)
    equal(await machine.off(signal), 'guest-shutdown')
    await bucket.openForReading(signal)
    const bundles = await bucket.bundles(signal)
    step(bundles.map(({ manifest }) => `${manifest.shutdown?.kind} ${manifest.durationMs} ms`).join(', '))
    equal(bundles.length, TIMES + 1)
    for (const bundle of bundles) checkReceipts(bundle)
  },
}
