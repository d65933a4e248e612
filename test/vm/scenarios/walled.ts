import { deepEqual, equal, ok } from 'node:assert/strict'
import { SUITES } from '../../../scripts/vm/base.ts'
import type { Machine } from '../../../scripts/vm/machine.ts'
import { checkWhole, receiptsOf } from '../bucket.ts'
import { crash } from '../crash.ts'
import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'

const VICTIM = '/run/victim'
const INTRUDER = '/usr/lib/vm/intruder'
/**
 * What systemd leaves open in the collector, which closes it itself (agent/collector/confine.ts): what takes arguments to tell,
 * and, on kernels that have them, calls younger than this systemd.
 */
const COLLECTOR: readonly string[] = ['xattrat-by-1', 'open_tree_attr', 'trace-memory']
/** The daemon is there to have a network. */
const DAEMON: readonly string[] = ['socket-inet', 'socket-inet6', 'socket-netlink']
/** Fewer than these would say that the intruder itself does not work. */
const WAYS = 50

/** An intruder in the sandboxes of collector and daemon: what root can do outside is denied; and the capture is whole. */
export const scenario: Scenario = {
  name: 'walled',
  suites: SUITES,
  async run({ boot, bucket, operator, step }, signal) {
    const settings = `[seal]\nrecipients = ["${operator.recipient}"]`
    await using machine = await boot({ settings })
    await bootDone(machine, signal)
    await machine.ok(`systemd-run --quiet --unit=victim ${INTRUDER} victim ${VICTIM}`, signal)
    await machine.ok(`until [ -s ${VICTIM} ]; do sleep 0.5; done`, signal)
    const outside = await attack(machine, '[Service]', signal)
    const possible = ways(outside, OPEN)
    ok(possible.length >= WAYS, `root can do nearly all of it outside: ${outside}`)
    for (const [unit, may] of [
      ['lastgasp-collector.service', COLLECTOR],
      ['lastgasp.service', DAEMON],
    ] as const) {
      const inside = await attack(machine, await machine.ok(`systemctl cat ${unit}`, signal), signal)
      const stays = ways(inside, OPEN)
      deepEqual(
        stays.filter((way) => !may.includes(way)),
        [],
        `in the sandbox of ${unit}: ${inside}`,
      )
      const denied = ways(inside, CLOSED).filter((way) => possible.includes(way))
      equal(denied.length + stays.length, possible.length, `in the sandbox of ${unit}: ${inside}`)
      step(`${unit}: ${denied.length} of ${possible.length} ways denied, and ${stays.join(', ')} is open`)
    }
    await machine.ok('systemctl stop victim.service', signal)

    await crash(machine, 'crashes', 4, signal)
    await machine.sh('systemctl poweroff', signal)
    step((await machine.console.waitFor(/lastgasp: .*/, signal))[0])
    equal(await machine.off(signal), 'guest-shutdown')
    await bucket.openForReading(signal)
    const bundle = await bucket.onlyBundle(signal)
    checkWhole(bundle)
    const reasons = receiptsOf(bundle, 'journal').map(({ details }) =>
      details?.source === 'journal' ? details.open : undefined,
    )
    ok(reasons.length > 0)
    // In emulation journald may take longer than the rotation waits; who may not ask at all is told otherwise.
    const live = reasons.filter((reason) => reason !== undefined && !reason.includes('no answer within'))
    deepEqual(live, [], 'journald rotates for the collector, which is not root')
  },
}

/** What the intruder says of its ways from a unit with the sandbox of another, of which `text` is all that is configured. */
async function attack(machine: Machine, text: string, signal: AbortSignal): Promise<string> {
  const own = [
    '[Service]',
    'Type=oneshot',
    'Restart=no',
    'ExecStart=',
    `ExecStart=${INTRUDER} attack ${VICTIM} /run/lastgasp/intruder`,
    'ExecReload=',
    'RuntimeDirectory=',
    'RuntimeDirectory=lastgasp/intruder',
    'StandardError=truncate:/run/intruder.out',
    '[Unit]',
    'RefuseManualStop=no',
  ]
  const unit = Buffer.from(`${text}\n${own.join('\n')}\n`).toString('base64')
  await machine.ok(`base64 -d <<<${unit} >/run/systemd/system/intruder.service && systemctl daemon-reload`, signal)
  await machine.ok('systemctl start intruder.service', signal)
  return await machine.ok('cat /run/intruder.out', signal)
}

/** What the intruder says of a way: its own words are in ../programs/intruder.c. */
const OPEN = ['open']
const CLOSED = ['denied', 'hidden']

/** The ways of which it says one of these, in the order in which they were tried. */
function ways(told: string, outcomes: readonly string[]): readonly string[] {
  return [...told.matchAll(/^(\S+) (\w+)/gm)]
    .filter(([, , is = '']) => outcomes.includes(is))
    .map(([, way = '']) => way)
}
