import { equal, match } from 'node:assert/strict'
import { SUITES } from '../../../scripts/vm/base.ts'
import { wanted } from '../applications.ts'
import { checkWhole } from '../bucket.ts'
import { daemonListens, pressPowerButton } from '../power.ts'
import type { Scenario } from '../scenario.ts'

const HANG = `[Unit]
Before=multi-user.target

[Service]
Type=oneshot
ExecStart=/usr/bin/sleep infinity
`

/** A host that never finishes booting is switched off for that, by the power button: which is how a cloud stops an instance. */
export const scenario: Scenario = {
  name: 'boot-hangs',
  suites: SUITES,
  async run({ boot, bucket, step }, signal) {
    const files = { '/etc/systemd/system/hang.service': { content: HANG }, ...wanted('hang.service') }
    await using machine = await boot({ files })
    await daemonListens(machine, signal)
    match(await machine.ok('systemctl list-jobs', signal), /multi-user\.target/)
    await pressPowerButton(machine, signal)
    step((await machine.console.waitFor(/lastgasp: .* bundle of .*/, signal))[0])
    equal(await machine.off(signal), 'guest-shutdown')
    await bucket.openForReading(signal)
    const bundle = await bucket.onlyBundle(signal)
    checkWhole(bundle)
    equal(bundle.manifest.shutdown?.kind, 'poweroff')
    match(bundle.manifest.shutdown?.by ?? '', /Power key pressed/)
  },
}
