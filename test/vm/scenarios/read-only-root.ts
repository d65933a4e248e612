import { deepEqual, equal, notEqual } from 'node:assert/strict'
import { checkReceipts } from '../bucket.ts'
import { failedUnit } from '../crash.ts'
import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'
import { checkNamed, deaths, toldOfLatest } from '../told.ts'

const FILES = {
  '/etc/machine-id': { content: '' },
  '/etc/systemd/journald.conf.d/60-volatile.conf': { content: '[Journal]\nStorage=volatile\n' },
  // logind wants a directory of its own, which it could not make
  '/var/lib/systemd/linger/.keep': { content: '' },
}

/** An appliance: nothing can be written but to memory, and its machine id is another one at every boot. Something crashes. */
export const scenario: Scenario = {
  name: 'read-only-root',
  suites: ['bookworm', 'trixie'],
  turns: ['bookworm', 'trixie'],
  async run({ suite, boot, bucket, operator, step }, signal) {
    const settings = `[seal]\nrecipients = ["${operator.recipient}"]`
    await using machine = await boot({ settings, files: FILES, root: 'ro' })
    await bootDone(machine, signal)
    notEqual((await machine.sh('touch /var/lib/written', signal)).code, 0, 'the root is read-only')
    await failedUnit(machine, 'victim', 'crasher 4', signal)
    step('crashed')
    await machine.sh('systemctl poweroff', signal)
    step((await machine.console.waitFor(/lastgasp: .*/, signal))[0])
    equal(await machine.off(signal), 'guest-shutdown')
    await bucket.openForReading(signal)
    checkReceipts(await bucket.onlyBundle(signal))

    const told = await toldOfLatest(operator, bucket, signal)
    equal(told.why, 'crash')
    // systemd 252 cannot start systemd-coredump@.service where /tmp is read-only: the kernel alone tells, and it names the thread.
    const name = suite === 'bookworm' ? 'worker-7' : 'crasher'
    deepEqual(deaths(told), [`crash 11 ${name} of victim.service`])
    checkNamed(told)
    equal(told.head.match(/no core was found/g)?.length, 1, told.head)
  },
}
