import { deepEqual, equal } from 'node:assert/strict'
import { checkReceipts } from '../bucket.ts'
import { pressPowerButton } from '../power.ts'
import type { Scenario } from '../scenario.ts'

/** The power button, which is how a cloud stops an instance. */
export const scenario: Scenario = {
  name: 'power-button',
  suites: ['trixie'],
  async run({ boot, bucket, step }, signal) {
    await using machine = await boot({})
    await pressPowerButton(machine, signal)
    step((await machine.console.waitFor(/lastgasp: complete bundle .*/, signal))[0])
    equal(await machine.off(signal), 'guest-shutdown')
    await bucket.openForReading(signal)
    const bundle = await bucket.onlyBundle(signal)
    checkReceipts(bundle)
    const { status, shutdown } = bundle.manifest
    deepEqual({ status, kind: shutdown?.kind }, { status: 'complete', kind: 'poweroff' })
    step(`asked for by: ${shutdown?.by}`)
  },
}
