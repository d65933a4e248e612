import { equal } from 'node:assert/strict'
import { applicationUnit } from '../applications.ts'
import { receiptsOf } from '../bucket.ts'
import { switchOff, watchRelease } from '../hard-times.ts'
import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'

const DEADLINE = 200
/** s: 30 % of the deadline, and what the guest's settings allow at most. */
const HOLD = 60
const SERVICES = 300
const PROCESSES = 2_000

const FILES = {
  '/etc/systemd/system/one@.service': { content: '[Service]\nExecStart=/usr/lib/vm/crowd 0\n' },
  ...applicationUnit('crowd', `crowd ${PROCESSES - SERVICES}`, { TasksMax: 'infinity' }),
}

/** 300 services and 2,000 processes. */
export const scenario: Scenario = {
  name: 'crowded',
  suites: ['bookworm', 'trixie'],
  minutes: 4,
  async run({ boot, bucket, operator, step }, signal) {
    const settings = `[seal]\nrecipients = ["${operator.recipient}"]`
    await using machine = await boot({ settings, files: FILES, deadline: DEADLINE, memoryMiB: 2048 })
    await bootDone(machine, signal)
    await watchRelease(machine, signal)
    await machine.ok(`for n in {1..${SERVICES}}; do echo one@$n; done | xargs systemctl start`, signal)
    await machine.ok(`until [ $(ls -d /proc/[0-9]* | wc -l) -ge ${PROCESSES} ]; do sleep 1; done`, signal)
    step('all of them run')
    const bundle = await switchOff({ bucket, step }, machine, { deadline: DEADLINE, hold: HOLD }, signal)
    // Not all of them may have been looked at in time, which is a receipt of its own.
    const stacks = receiptsOf(bundle, 'stacks').filter(({ bytesStored }) => bytesStored > 0)
    equal(stacks.length, 1)
  },
}
