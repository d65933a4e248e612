import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { lingererUnit } from '../applications.ts'
import { checkReceipts, receiptsOf } from '../bucket.ts'
import { failedUnit } from '../crash.ts'
import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'
import { deaths, toldOfLatest } from '../told.ts'

/** MiB: more than the machine has. */
const BOUNDLESS = 4096
/** After each: with 1 GiB it takes about two minutes. */
const LEAK_MS = 100
const MIB = 1024 ** 2

/** A service leaks until the kernel kills it for the whole host: what was recorded before tells who grew, and by how much. */
export const scenario: Scenario = {
  name: 'leak',
  suites: ['bookworm', 'trixie', 'forky'],
  turns: ['rest', 'trixie', 'rest', 'bookworm', 'rest', 'forky'],
  minutes: 6,
  async run({ boot, bucket, operator, step }, signal) {
    const settings = `[seal]\nrecipients = ["${operator.recipient}"]`
    await using machine = await boot({ settings, files: lingererUnit('healthy', 1) })
    await bootDone(machine, signal)
    await failedUnit(machine, 'leaking', `swollen ${BOUNDLESS} ${LEAK_MS}`, signal)
    step('killed for the whole host')
    await machine.sh('systemctl poweroff', signal)
    equal(await machine.off(signal), 'guest-shutdown')
    await bucket.openForReading(signal)
    const bundle = await bucket.onlyBundle(signal)
    checkReceipts(bundle)

    const told = await toldOfLatest(operator, bucket, signal)
    deepEqual(deaths(told), ['oom swollen of leaking.service'])
    match(told.head, /^grew +swollen \(\d+\) of leaking\.service by .*, and was killed/m)
    const [facts] = receiptsOf(bundle, 'facts')
    const details = facts?.details?.source === 'facts' ? facts.details : undefined
    const [first] = details?.grew ?? []
    ok(first && first.grown > 256 * MIB && first.killed, `who grew most: ${JSON.stringify(details)}`)
    equal(first.comm, 'swollen')
    ok((details?.recorded ?? 0) > 60_000, 'recorded since the boot')
    ok((details?.available?.least ?? MIB ** 2) < 256 * MIB, 'nearly all of it was gone')
  },
}
