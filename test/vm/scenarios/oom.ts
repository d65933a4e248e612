import { deepEqual, equal } from 'node:assert/strict'
import type { Receipt } from '../../../agent/bundle/schema.ts'
import { applicationUnit, lingererUnit } from '../applications.ts'
import { checkReceipts, receiptsOf } from '../bucket.ts'
import { failedUnit } from '../crash.ts'
import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'
import { checkNamed, deaths, toldOfLatest } from '../told.ts'

/** Of a process that lived, what was wrong with it. */
const troubleOf = ({ details }: Receipt) => (details?.source === 'live' ? details.trouble : undefined)

/** MiB: more than the machine has, and more than the unit may have. */
const BOUNDLESS = 4096
const BOUND = 'MemoryMax=48M'
const FILES = { ...lingererUnit('healthy', 1), ...applicationUnit('idle', 'greedy', { TasksMax: '4' }) }

/** The kernel kills for want of memory, first in a unit's own limit, then of the whole host: who was killed is named, who was not is no trouble. */
export const scenario: Scenario = {
  name: 'oom',
  suites: ['bookworm', 'trixie'],
  turns: ['bookworm', 'trixie'],
  async run({ boot, bucket, operator, step }, signal) {
    const settings = `[seal]\nrecipients = ["${operator.recipient}"]`
    await using machine = await boot({ settings, files: FILES })
    await bootDone(machine, signal)
    await failedUnit(machine, 'bounded', `swollen ${BOUNDLESS}`, signal, [BOUND])
    step('killed in its own limit')
    await failedUnit(machine, 'boundless', `swollen ${BOUNDLESS}`, signal)
    step('killed for the whole host')
    await machine.sh('systemctl poweroff', signal)
    step((await machine.console.waitFor(/lastgasp: .*/, signal))[0])
    equal(await machine.off(signal), 'guest-shutdown')
    await bucket.openForReading(signal)
    const bundle = await bucket.onlyBundle(signal)
    checkReceipts(bundle)

    const told = await toldOfLatest(operator, bucket, signal)
    equal(told.why, 'oom')
    deepEqual(deaths(told), ['oom swollen of boundless.service', 'oom swollen of bounded.service'])
    checkNamed(told)
    // A host that reads its programs back from disk has processes that wait for that, which is another trouble.
    const troubles = receiptsOf(bundle, 'live').map(troubleOf)
    deepEqual(
      troubles.filter((trouble) => trouble?.kind === 'killed' || trouble?.kind === 'short'),
      [],
      'nobody who lives is short of memory',
    )
    const healthy = receiptsOf(bundle, 'live').filter((receipt) => troubleOf(receipt) === undefined)
    deepEqual(healthy, [], 'of a service that lives, and well, no memory is taken')
  },
}
