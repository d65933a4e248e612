import { bootAndDrain, checkDrained, placeFor, switchOffCutOff } from '../next-boot.ts'
import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'

/** The link is down for the whole shutdown, and up when the same disk boots again: then the bundle arrives, whole and once. */
export const scenario: Scenario = {
  name: 'link-down',
  suites: ['bookworm', 'trixie', 'forky'],
  turns: ['bookworm', 'rest', 'forky', 'rest', 'trixie', 'rest'],
  minutes: 2,
  async run(context, signal) {
    const { boot, link, operator, step } = context
    const host = { keep: await placeFor(context), settings: `[seal]\nrecipients = ["${operator.recipient}"]` }
    await using machine = await boot(host)
    await bootDone(machine, signal)
    link.behaviour = 'silent'
    step('the link is down')
    await switchOffCutOff(machine, context, signal)
    link.behaviour = 'open'
    await using again = await bootAndDrain(context, host, signal)
    again.cutPower()
    await checkDrained(context, signal)
  },
}
