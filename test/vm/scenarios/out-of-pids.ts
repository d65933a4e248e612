import { match, ok } from 'node:assert/strict'
import { join } from 'node:path'
import { checkReceipts, receiptsOf } from '../bucket.ts'
import { backtraces, coreOf, fetchEvidence } from '../live-evidence.ts'
import { bootDone, powerButtonWatched } from '../power.ts'
import type { Scenario } from '../scenario.ts'

/** s: live evidence may take 30 % of it, which emulation needs. */
const DEADLINE = 120
/** PIDs above 300, which the kernel gives to none but its own (RESERVED_PIDS), up to this are what is left to take. */
const PID_MAX = 330
/** s of the guest for the last answer of its shell, which has to fork for it. */
const HEAD_START = 8
/** s for which the hoarder goes on after it was asked to stop. */
const STUBBORN = 60

/** No PID is left on the machine, so no program can be started: the power button still gives stacks. */
export const scenario: Scenario = {
  name: 'out-of-pids',
  suites: ['trixie'],
  minutes: 2,
  async run({ boot, bucket, operator, program, scratch, step }, signal) {
    const settings = `[seal]\nrecipients = ["${operator.recipient}"]`
    await using machine = await boot({ settings, deadline: DEADLINE })
    await bootDone(machine, signal)
    await powerButtonWatched(machine, signal)
    const hoard = `systemd-run --quiet --unit=hoarder -p TimeoutStopSec=${STUBBORN} -p TasksMax=infinity`
    await machine.ok(`echo ${PID_MAX} >/proc/sys/kernel/pid_max`, signal)
    await machine.ok(`${hoard} /usr/lib/vm/hoarder ${HEAD_START}`, signal)
    const parent = Number(await machine.ok('systemctl show --property=MainPID --value hoarder', signal))
    step((await machine.console.waitFor(/hoarder: no PID is left/, signal))[0])
    machine.powerButton()
    step((await machine.console.waitFor(/lastgasp: .*/, signal))[0])
    // The hoarder keeps the shutdown for most of its time to stop: there is nothing more to see.
    machine.cutPower()
    await machine.off(signal)
    await bucket.openForReading(signal)
    const bundle = await bucket.onlyBundle(signal)
    checkReceipts(bundle)
    for (const { artifact, status, ms, reason } of bundle.manifest.receipts)
      step(`${artifact} ${status}: ${ms} ms ${reason ?? ''}`)
    const [stacks] = receiptsOf(bundle, 'stacks')
    ok(stacks?.objects.length === 1)

    const evidence = await fetchEvidence(operator, bucket, join(scratch, 'fetched'), signal)
    const hoarders = evidence.threads.filter(({ unit }) => unit === 'hoarder.service')
    ok(hoarders.length > 1, `the table has the hoarder's children: ${evidence.shown}`)
    step(`${hoarders.length} processes of the hoarder`)
    const core = await coreOf(evidence, 'stacks', 'hoarder', parent)
    match((await backtraces(evidence, core, program('hoarder'), signal)).join('\n'), / < hoard < main/)
  },
}
