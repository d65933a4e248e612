import type { Scenario } from '../scenario.ts'
import { shutDownWithout } from '../unreachable.ts'

/** The host's secret key is not the right one. */
export const scenario: Scenario = {
  name: 'wrong-credentials',
  suites: ['bookworm', 'trixie'],
  turns: ['bookworm', 'trixie'],
  async run(context, signal) {
    await shutDownWithout(
      context,
      { secretKey: 'not-the-invented-secret' },
      'open',
      /credential|denied|key|signature/i,
      signal,
    )
  },
}
