import { bootAndDrain, checkDrained, placeFor, switchOffCutOff } from '../next-boot.ts'
import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'

const STORE = 'store.test'
const HOSTS = '127.0.0.1 localhost\n'
const settings = `[s3]\nendpoint = "http://${STORE}:9000"\naddressing = "path"`

/** Nobody knows the name of the store in a boot, from its beginning to its end; in the next one somebody does. */
export const scenario: Scenario = {
  name: 'dns-dead',
  suites: ['bookworm', 'trixie', 'forky'],
  turns: ['rest', 'trixie', 'rest', 'rest'],
  minutes: 2,
  async run(context, signal) {
    const { boot } = context
    const keep = await placeFor(context)
    await using machine = await boot({ keep, settings, files: { '/etc/hosts': { content: HOSTS } } })
    await bootDone(machine, signal)
    await switchOffCutOff(machine, context, signal)
    const name = `echo '10.0.2.100 ${STORE}' >>/etc/hosts`
    await using again = await bootAndDrain(context, { keep, settings }, signal, name)
    again.cutPower()
    await checkDrained(context, signal)
  },
}
