import type { Scenario } from '../scenario.ts'
import { shutDownWithout } from '../unreachable.ts'

/** The bucket that the settings name is not there. */
export const scenario: Scenario = {
  name: 'missing-bucket',
  suites: ['trixie'],
  async run(context, signal) {
    await shutDownWithout(context, { store: 's3://no-such-bucket/fleet' }, 'open', /no-such-bucket.*bucket/i, signal)
  },
}
