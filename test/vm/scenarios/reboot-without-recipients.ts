import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { FINGERPRINT } from '../../../agent/words/fingerprint.ts'
import { checkReceipts, receiptsOf } from '../bucket.ts'
import { crash } from '../crash.ts'
import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'

/** A reboot of a host that has nobody to seal to: its core stays, and the journal with the crash's environment, with receipts that say why. */
export const scenario: Scenario = {
  name: 'reboot-without-recipients',
  suites: ['trixie'],
  async run({ boot, bucket, step }, signal) {
    await using machine = await boot({})
    await bootDone(machine, signal)
    await crash(machine, 'victim', 4, signal)
    step('crashed')
    await machine.sh('systemctl reboot', signal)
    step((await machine.console.waitFor(/lastgasp: .*/, signal))[0])
    equal(await machine.off(signal), 'guest-reset')
    await bucket.openForReading(signal)
    const bundle = await bucket.onlyBundle(signal)
    checkReceipts(bundle)
    equal(bundle.manifest.shutdown?.kind, 'reboot')
    const cores = receiptsOf(bundle, 'cores')
    deepEqual(
      cores.map(({ status, because }) => ({ status, because })),
      [{ status: 'skipped', because: 'seal' }],
    )
    match(cores[0]?.reason ?? '', /recipient/)
    const { fingerprint } = bundle.manifest.findings[0] ?? {}
    step(`the crash is ${fingerprint}`)
    match(fingerprint ?? '', FINGERPRINT, 'where it crashed is told all the same')
    const journals = receiptsOf(bundle, 'journal').filter(({ class: of }) => of === 'memory')
    ok(journals.length > 0, "the journal holds the crash's environment")
    for (const { status, because, reason } of journals) {
      deepEqual({ status, because }, { status: 'skipped', because: 'seal' })
      match(reason ?? '', /recipient/)
    }
    const memory = bundle.manifest.receipts.filter(({ class: of }) => of === 'memory')
    deepEqual(
      memory.flatMap(({ objects }) => objects.map(({ name }) => name)),
      [],
      'nothing of class memory is in the bucket',
    )
    deepEqual(
      bundle.objects.filter((name) => name.startsWith('cores/')),
      [],
    )
  },
}
