import { deepEqual, equal, match, notEqual } from 'node:assert/strict'
import { SUITES } from '../../../scripts/vm/base.ts'
import { checkWhole, receiptsOf } from '../bucket.ts'
import type { Scenario } from '../scenario.ts'
import { checkCost } from '../spent.ts'

const UNITS = 'lastgasp.service lastgasp-collector.service lastgasp-hold.service lastgasp-cores.service'

/** Bytes in the bucket of a host without recipients, whose journal is of a minute. */
const MOST_BYTES = 200_000

/** Nothing crashed: the units are sound, and a bundle says that there was nothing to take. */
export const scenario: Scenario = {
  name: 'healthy',
  suites: SUITES,
  turns: SUITES,
  async run({ boot, bucket, step }, signal) {
    await using machine = await boot({})
    await machine.sh('systemctl is-system-running --wait', signal)
    equal(await machine.ok('systemctl --failed --no-legend --plain', signal), '', 'no unit has failed')
    equal(await machine.ok(`systemctl is-active ${UNITS}`, signal), 'active\n'.repeat(4))
    equal(await machine.ok(`systemd-analyze verify --man=no ${UNITS} 2>&1`, signal), '', 'systemd-analyze verify')
    const cycles = await machine.sh(
      "journalctl -b -o cat _PID=1 | grep -E 'ordering cycle|Breaking|deleted to break'",
      signal,
    )
    equal(cycles.stdout, '', 'no ordering cycle is logged')
    // The slice is what every unit in it requires.
    for (const unit of [...UNITS.split(' '), 'lastgasp.slice'])
      for (const verb of ['stop', 'restart']) {
        const asked = await machine.sh(`systemctl ${verb} ${unit}`, signal)
        notEqual(asked.code, 0, `systemctl ${verb} ${unit} is refused`)
        match(asked.stderr, /refused/)
      }
    equal(await machine.ok(`systemctl is-active ${UNITS}`, signal), 'active\n'.repeat(4), 'all are still there')
    equal(
      (await machine.ok('systemctl is-system-running', signal)).trim(),
      'running',
      'the refusal has stopped nothing',
    )
    step('units are sound')

    await machine.sh('systemctl poweroff', signal)
    const line = await machine.console.waitFor(/lastgasp: healthy: .* \w+ bundle of .*/, signal)
    step(line[0])
    equal(await machine.off(signal), 'guest-shutdown')
    step('off')
    equal(/ordering cycle/.test(machine.console.text), false, 'no ordering cycle at shutdown either')
    await bucket.openForReading(signal)
    const bundle = await bucket.onlyBundle(signal)
    checkWhole(bundle)
    checkCost(bundle, MOST_BYTES, step)
    step(bundle.manifest.receipts.map(({ artifact, ms }) => `${artifact} ${ms} ms`).join(', '))
    const { trigger, shutdown, why } = bundle.manifest
    deepEqual({ trigger, kind: shutdown?.kind, why }, { trigger: 'shutdown', kind: 'poweroff', why: 'healthy' })
    const [cores] = receiptsOf(bundle, 'cores')
    equal(cores?.status, 'absent')
    match(cores?.reason ?? '', /no core was found/)
  },
}
