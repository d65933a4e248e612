import { ok } from 'node:assert/strict'
import type { Scenario } from '../scenario.ts'
import { shutDownWithout } from '../unreachable.ts'

/** The store accepts every connection and never answers. */
export const scenario: Scenario = {
  name: 'silent-store',
  suites: ['trixie'],
  async run(context, signal) {
    await shutDownWithout(context, {}, 'silent', /answer|time/i, signal)
    ok(context.link.connections > 0, 'the host has tried')
  },
}
