import { deepEqual, equal, match } from 'node:assert/strict'
import { SUITES } from '../../../scripts/vm/base.ts'
import { checkReceipts, receiptsOf } from '../bucket.ts'
import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'
import { type Stopper, stopperFiles, stops } from '../stoppers.ts'
import { checkCrashesTold, checkNamed, deaths, toldOfLatest } from '../told.ts'

const STOPPERS: Readonly<Record<string, Stopper>> = {
  soon: { after: 3, mib: 4, timeout: 60 },
  later: { after: 12, mib: 4, timeout: 60 },
}
const NAMES = Object.keys(STOPPERS)

/** Nobody to seal to: cores of what crashes while the host goes down are nobody's to take. That it crashed is told all the same, and where. */
export const scenario: Scenario = {
  name: 'dies-going-down-closed',
  suites: SUITES,
  turns: ['rest', 'trixie'],
  async run({ boot, bucket, operator, scratch, step }, signal) {
    await using machine = await boot({ files: stopperFiles(STOPPERS), deadline: 120 })
    await bootDone(machine, signal)
    await machine.ok('test -e /run/lastgasp/wall/armed', signal)
    await machine.sh('systemctl poweroff', signal)
    step((await machine.console.waitFor(/lastgasp: .*/, signal))[0])
    await stops(machine, NAMES, signal)
    equal(await machine.off(signal), 'guest-shutdown')
    await bucket.openForReading(signal)
    const bundle = await bucket.onlyBundle(signal)
    checkReceipts(bundle)
    const receipts = receiptsOf(bundle, 'cores').filter(({ status }) => status !== 'absent')
    step(receipts.map(({ item, status, reason }) => `${item.unit} ${item.signal} ${status} ${reason}`).join(', '))
    deepEqual(
      receipts.map(({ item, status, because }) => [item.unit, item.signal, status, because]).sort(),
      NAMES.toSorted().map((name) => [`${name}.service`, 11, 'failed', 'seal']),
    )
    for (const { reason } of receipts) match(reason ?? '', /crashed while the host went down/)
    const verdict = await toldOfLatest(operator, bucket, signal)
    equal(verdict.why, 'crash')
    deepEqual([...deaths(verdict)].sort(), NAMES.map((name) => `crash 11 stopper of ${name}.service`).sort())
    checkNamed(verdict)
    await checkCrashesTold(NAMES, { bucket, operator, scratch }, signal)
  },
}
