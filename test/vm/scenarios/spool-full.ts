import { match, ok } from 'node:assert/strict'
import { receiptsOf } from '../bucket.ts'
import { crash } from '../crash.ts'
import { bootAndDrain, checkDrained, placeFor, switchOffCutOff } from '../next-boot.ts'
import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'

/** Leaves 5 MiB to everybody but root. */
const FILL = "fallocate -l $(( $(stat -f -c '%a * %S' /) - 5 * 1024 * 1024 )) /fill"

/** The link is down, and the disk is full but for 5 MiB: what is most valuable is kept, and the console says what is not. */
export const scenario: Scenario = {
  name: 'spool-full',
  suites: ['bookworm', 'trixie'],
  turns: ['rest', 'trixie', 'rest', 'rest'],
  minutes: 2,
  async run(context, signal) {
    const { boot, link, operator, step } = context
    const host = { keep: await placeFor(context), settings: `[seal]\nrecipients = ["${operator.recipient}"]` }
    await using machine = await boot(host)
    await bootDone(machine, signal)
    await crash(machine, 'victim', 16, signal)
    await machine.ok(FILL, signal)
    link.behaviour = 'silent'
    step('the link is down, and the disk full')
    const said = await switchOffCutOff(machine, context, signal)
    match(said, /found: .*crasher/)
    match(said, /not whole: cores\//)
    link.behaviour = 'open'
    await using again = await bootAndDrain(context, host, signal)
    again.cutPower()
    const bundle = await checkDrained(context, signal)
    for (const { artifact, status, reason } of bundle.manifest.receipts) step(`${artifact} ${status}: ${reason ?? ''}`)
    for (const source of ['facts', 'stacks'])
      ok(
        receiptsOf(bundle, source).some(({ bytesStored }) => bytesStored > 0),
        `something of ${source} was kept`,
      )
  },
}
