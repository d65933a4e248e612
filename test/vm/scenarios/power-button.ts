import { equal, match } from 'node:assert/strict'
import { checkWhole } from '../bucket.ts'
import { bootDone, pressPowerButton } from '../power.ts'
import type { Scenario } from '../scenario.ts'

/** The power button, which is how a cloud stops an instance. */
export const scenario: Scenario = {
  name: 'power-button',
  suites: ['trixie'],
  async run({ boot, bucket, step }, signal) {
    await using machine = await boot({})
    await bootDone(machine, signal)
    await pressPowerButton(machine, signal)
    step((await machine.console.waitFor(/lastgasp: \w+ bundle .*/, signal))[0])
    equal(await machine.off(signal), 'guest-shutdown')
    await bucket.openForReading(signal)
    const bundle = await bucket.onlyBundle(signal)
    checkWhole(bundle)
    equal(bundle.manifest.shutdown?.kind, 'poweroff')
    match(bundle.manifest.shutdown?.by ?? '', /Power key pressed/)
    step(`asked for by: ${bundle.manifest.shutdown?.by}`)
  },
}
