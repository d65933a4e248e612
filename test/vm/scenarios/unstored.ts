import { deepEqual, equal, match } from 'node:assert/strict'
import { checkReceipts, receiptsOf } from '../bucket.ts'
import { failedUnit } from '../crash.ts'
import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'
import { checkNamed, deaths, toldOfLatest } from '../told.ts'

const PATTERN = '/proc/sys/kernel/core_pattern'
/** Takes all that is free, what is reserved for root included: fallocate(1) what is quickly taken, the rest by writing. */
const FILL = `fallocate -l $(( $(stat -f -c '%f * %S' /) - 64 * 1024 * 1024 )) /fill
cat /dev/zero >/fill.rest`

/** Crashes that leave no core: of one another program was told than systemd-coredump, of two there was no room on the disk. */
export const scenario: Scenario = {
  name: 'unstored',
  suites: ['bookworm', 'trixie'],
  turns: ['bookworm', 'trixie'],
  async run({ suite, boot, bucket, operator, step }, signal) {
    const settings = `[seal]\nrecipients = ["${operator.recipient}"]`
    await using machine = await boot({ settings })
    await bootDone(machine, signal)
    const pattern = (await machine.ok(`cat ${PATTERN}`, signal)).trim()
    match(pattern, /systemd-coredump/)
    await machine.ok(`echo '|/usr/bin/true %p' >${PATTERN}`, signal)
    await failedUnit(machine, 'foreign', 'crasher 4', signal)
    step('crashed, and its core went elsewhere')
    await machine.ok(`echo '${pattern}' >${PATTERN}`, signal)
    match((await machine.sh(FILL, signal)).stderr, /No space left/)
    await failedUnit(machine, 'first', 'crasher 4', signal)
    await failedUnit(machine, 'second', 'crasher 4', signal)
    step('crashed twice, and the disk is full')
    await machine.sh('systemctl poweroff', signal)
    step((await machine.console.waitFor(/lastgasp: .*/, signal))[0])
    equal(await machine.off(signal), 'guest-shutdown')
    await bucket.openForReading(signal)
    const bundle = await bucket.onlyBundle(signal)
    checkReceipts(bundle)
    deepEqual(
      receiptsOf(bundle, 'cores').flatMap(({ objects }) => objects),
      [],
      'no core was stored',
    )

    const told = await toldOfLatest(operator, bucket, signal)
    equal(told.why, 'crash')
    // systemd 252 cannot start systemd-coredump@.service where /tmp is full: the kernel alone tells, and it names the thread.
    const name = suite === 'bookworm' ? 'worker-7' : 'crasher'
    deepEqual(
      [...deaths(told)].sort(),
      [
        `crash 11 ${name} of first.service`,
        `crash 11 ${name} of second.service`,
        'crash 11 worker-7 of foreign.service',
      ].sort(),
    )
    checkNamed(told)
    equal(told.head.match(/no core was found/g)?.length, 3, told.head)
  },
}
