import { equal, match, ok } from 'node:assert/strict'
import { SUITES } from '../../../scripts/vm/base.ts'
import type { Machine } from '../../../scripts/vm/machine.ts'
import { lingererUnit } from '../applications.ts'
import { checkReceipts } from '../bucket.ts'
import { inhibitDelay } from '../logind.ts'
import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'

const DEADLINE = 120
/** s that logind waits for who delays it at most: longer than the capture is under way before it is cancelled. */
const DELAY = 120
const MALLORY = 4242

/** A signal as logind sends it: to all who listen, and to the collector alone. */
const FORGED = 'busctl emit'
const SIGNAL = '/org/freedesktop/login1 org.freedesktop.login1.Manager PrepareForShutdown b true'
const LISTENER = `busctl list --no-legend | awk -v pid=$(systemctl show -P MainPID lastgasp-collector.service) '$2 == pid && $1 ~ /^:/ { print $1; exit }'`

/**
 * Who is not logind is not believed. A shutdown that logind announces and then cannot begin (its target was masked meanwhile) is cancelled: the host lives
 * on, and so does the daemon, for which the next shutdown is one as any other.
 */
export const scenario: Scenario = {
  name: 'cancelled',
  suites: SUITES,
  turns: ['rest', 'rest', 'rest', 'trixie'],
  minutes: 2,
  async run({ boot, bucket, operator, step }, signal) {
    const settings = `[seal]\nrecipients = ["${operator.recipient}"]`
    const files = { ...inhibitDelay(DELAY), ...lingererUnit('shop', 1) }
    await using machine = await boot({ settings, files, deadline: DEADLINE })
    await bootDone(machine, signal)
    const before = await running(machine, signal)

    const listener = (await machine.ok(LISTENER, signal)).trim()
    match(listener, /^:/, 'the collector is on the bus')
    for (const to of ['', `--destination=${listener}`])
      await machine.ok(`setpriv --reuid=${MALLORY} --regid=${MALLORY} --clear-groups ${FORGED} ${to} ${SIGNAL}`, signal)

    await machine.ok(
      'systemd-run --quiet --unit=keeper systemd-inhibit --what=shutdown --mode=delay --who=keeper sleep infinity',
      signal,
    )
    await machine.ok('until systemd-inhibit --list | grep -q keeper; do sleep 0.5; done', signal)
    equal(await captures(machine, signal), 0, 'a forged signal starts nothing')
    step('nobody but logind is believed')

    await machine.ok('systemctl poweroff', signal)
    await said(machine, 'the host goes down: capturing', signal)
    await machine.ok('systemctl mask --runtime poweroff.target', signal)
    await machine.ok('systemctl stop keeper.service', signal)
    await said(machine, 'the host does not go down after all', signal)
    step((await machine.console.waitFor(/lastgasp: .*/, signal))[0])
    await bootDone(machine, signal)
    equal(await running(machine, signal), before, 'applications and the daemon run on')
    await machine.ok('systemctl unmask --runtime poweroff.target', signal)
    step('applications run on, and are held for the next time')

    await machine.sh('systemctl poweroff', signal)
    equal(await machine.off(signal), 'guest-shutdown')
    await bucket.openForReading(signal)
    const bundles = await bucket.bundles(signal)
    for (const { manifest } of bundles)
      step(
        `${manifest.status} ${JSON.stringify(manifest.shutdown)} ${manifest.durationMs} ms, ${manifest.receipts.length} receipts`,
      )
    equal(bundles.length, 2)
    const [first, second] = bundles
    equal(first?.manifest.shutdown?.cancelled, true)
    equal(second?.manifest.shutdown?.cancelled, undefined)
    equal(second?.manifest.shutdown?.kind, 'poweroff')
    for (const bundle of bundles) checkReceipts(bundle)
    ok(bundles.every(({ manifest }) => manifest.trigger === 'shutdown'))
  },
}

/** The processes of the application and of the daemon. */
const running = (machine: Machine, signal: AbortSignal) =>
  machine.ok('systemctl show -P MainPID shop.service lastgasp.service lastgasp-collector.service', signal)

const LOG = 'journalctl -b -q -o cat -u lastgasp.service'
const captures = async (machine: Machine, signal: AbortSignal) =>
  Number(await machine.ok(`${LOG} | grep -c capturing || true`, signal))

async function said(machine: Machine, what: string, signal: AbortSignal): Promise<void> {
  await machine.ok(`until ${LOG} | grep -q '${what}'; do sleep 0.5; done`, signal)
}
