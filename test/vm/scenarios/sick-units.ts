import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'
import { cured, Sickness, service, settingsOf } from '../sick.ts'

/** A unit that has failed, one that is started anew again and again, one that systemd-oomd has killed, and one at its limit of memory. */
export const scenario: Scenario = {
  name: 'sick-units',
  suites: ['bookworm', 'trixie'],
  turns: ['rest', 'rest', 'trixie', 'rest', 'rest', 'bookworm'],
  minutes: 2,
  async run(context, signal) {
    const { boot, bucket } = context
    await using machine = await boot({ settings: settingsOf(context), deadline: 120 })
    await bootDone(machine, signal)
    const sickness = new Sickness(machine, context)

    await service(machine, 'broken', '/bin/false', signal)
    await machine.ok('until systemctl is-failed --quiet broken; do sleep 0.5; done', signal)
    await sickness.captured('failed unit-failed broken.service', signal)
    await cured(machine, 'broken', signal)

    const again = ['Restart=always', 'RestartSec=500ms', 'StartLimitIntervalSec=0']
    await service(machine, 'loop', '/bin/false', signal, again)
    await machine.ok(
      'until [ "$(systemctl show --property=NRestarts --value loop)" -gt 4 ]; do sleep 0.5; done',
      signal,
    )
    await sickness.captured('failed flapping loop.service', signal)
    await cured(machine, 'loop', signal)

    await service(machine, 'leak', '/bin/sleep infinity', signal)
    await machine.ok('/usr/lib/vm/oomd /sys/fs/cgroup/system.slice/leak.service', signal)
    const told = 'journalctl -q -b MESSAGE_ID=d989611b15e44c9dbf31e3c81256e4ed'
    await machine.ok(`until [ -n "$(${told})" ]; do sleep 0.5; done`, signal)
    await sickness.captured('oom oom-oomd leak.service', signal)
    await cured(machine, 'leak', signal)

    await service(machine, 'bounded', '/usr/lib/vm/swollen 4096', signal, ['MemoryMax=48M', 'MemorySwapMax=0'])
    await machine.ok('until systemctl is-failed --quiet bounded; do sleep 0.5; done', signal)
    await sickness.switchedOff('oom oom-group bounded.service', signal)
    await sickness.check(bucket, signal)
  },
}
