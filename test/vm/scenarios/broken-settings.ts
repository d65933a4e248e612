import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { checkReceipts, receiptsOf } from '../bucket.ts'
import { crash } from '../crash.ts'
import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'

const BROKEN = {
  '60-wrong-type.toml': Buffer.from('deadline = 20\n'),
  '61-unknown-key.toml': Buffer.from('dedline = "20s"\n'),
  '62-invalid-utf8.toml': Buffer.from('identity = "\xe9"\n', 'latin1'),
  '63-noise.toml': randomBytes(10 * 1024 * 1024),
}

/** Settings that do not parse: `check` names every one, a capture happens all the same, and memory stays on the host. */
export const scenario: Scenario = {
  name: 'broken-settings',
  suites: ['trixie'],
  async run({ boot, bucket, operator, step }, signal) {
    const settings = `[seal]\nrecipients = ["${operator.recipient}"]\nunsealed = "allow"`
    const files = Object.fromEntries(
      Object.entries(BROKEN).map(([name, content]) => [`/etc/lastgasp/config.d/${name}`, { content }]),
    )
    await using machine = await boot({ settings, files })
    await bootDone(machine, signal)
    const check = await machine.sh('lastgasp check', signal)
    equal(check.code, 1, `check fails: ${check.stdout}${check.stderr}`)
    for (const name of Object.keys(BROKEN)) ok(`${check.stdout}${check.stderr}`.includes(name), `check names ${name}`)
    match(`${check.stdout}${check.stderr}`, /deadline/, 'check names the nearest known key')
    step('check names them all')
    await crash(machine, 'victim', 4, signal)
    await machine.sh('systemctl poweroff', signal)
    step((await machine.console.waitFor(/lastgasp: .* bundle of .*/, signal))[0])
    equal(await machine.off(signal), 'guest-shutdown')
    await bucket.openForReading(signal)
    const bundle = await bucket.onlyBundle(signal)
    checkReceipts(bundle)
    equal(bundle.manifest.problems.length >= Object.keys(BROKEN).length, true, bundle.manifest.problems.join('\n'))
    deepEqual(
      receiptsOf(bundle, 'cores').map(({ status, because }) => ({ status, because })),
      [{ status: 'skipped', because: 'seal' }],
    )
    ok(receiptsOf(bundle, 'facts').every(({ bytesStored }) => bytesStored > 0))
  },
}
