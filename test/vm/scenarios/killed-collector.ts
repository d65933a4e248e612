import { equal, ok } from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { wanted } from '../applications.ts'
import { checkReceipts } from '../bucket.ts'
import { crash } from '../crash.ts'
import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'

const PID = 'systemctl show --property=MainPID --value lastgasp-collector.service'
/** An application: it is stopped once the hold is released, and takes the collector with it. */
const KILLER = `[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/true
ExecStop=/bin/sh -c 'sleep 1; kill -KILL $(${PID})'
`

/** The collector dies: before the shutdown systemd starts it again; during the capture what it had not given is receipts. */
export const scenario: Scenario = {
  name: 'killed-collector',
  suites: ['trixie'],
  async run({ boot, bucket, link, operator, step }, signal) {
    const settings = `[seal]\nrecipients = ["${operator.recipient}"]`
    const files = { '/etc/systemd/system/killer.service': { content: KILLER }, ...wanted('killer.service') }
    await using machine = await boot({ settings, files })
    const first = await machine.ok(PID, signal)
    await machine.ok(`kill -KILL ${first}`, signal)
    while (['0\n', first].includes(await machine.ok(PID, signal))) await sleep(500, undefined, { signal })
    await bootDone(machine, signal)
    step('started again, and holds the lock')

    await crash(machine, 'victim', 64, signal)
    link.behaviour = { bytesPerSecond: 1_000_000 }
    await machine.sh('systemctl poweroff', signal)
    step((await machine.console.waitFor(/lastgasp: .*/, signal))[0])
    equal(await machine.off(signal), 'guest-shutdown')
    await bucket.openForReading(signal)
    const bundle = await bucket.onlyBundle(signal)
    checkReceipts(bundle)
    equal(bundle.manifest.status, 'partial')
    const blamed = bundle.manifest.receipts.filter(({ because }) => because === 'collector')
    ok(blamed.length > 0, 'receipts name the collector')
    step(blamed.map(({ artifact, status, reason }) => `${artifact} ${status}: ${reason}`).join('; '))
  },
}
