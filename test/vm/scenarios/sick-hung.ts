import { match } from 'node:assert/strict'
import { FINGERPRINT } from '../../../agent/words/fingerprint.ts'
import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'
import { cured, Sickness, service, settingsOf } from '../sick.ts'

/** Hundredths of a second of processor time after which nobody takes a program that spins for one that starts: 10 s, and some. */
const SPUN = 1300

/** A deadlock, a service that spins, and one that waits for a dead file system: each is the first thing that is said of the host. */
export const scenario: Scenario = {
  name: 'sick-hung',
  suites: ['bookworm', 'trixie'],
  turns: ['rest', 'trixie', 'rest', 'rest', 'bookworm', 'rest'],
  minutes: 3,
  async run(context, signal) {
    const { boot, bucket, step } = context
    await using machine = await boot({ settings: settingsOf(context), deadline: 180 })
    await bootDone(machine, signal)
    const sickness = new Sickness(machine, context)

    await service(machine, 'deadlocked', '/usr/lib/vm/deadlocked 1', signal)
    const waiting = 'grep -l futex /proc/$(pidof deadlocked)/task/*/wchan 2>/dev/null | wc -l'
    await machine.ok(`until [ "$(${waiting})" = 3 ]; do sleep 0.5; done`, signal)
    await sickness.captured('hang deadlock deadlocked.service', signal)
    await cured(machine, 'deadlocked', signal)

    await service(machine, 'spinning', '/usr/lib/vm/spinning', signal)
    const spun = 'cut -d" " -f14 /proc/$(pidof spinning)/stat'
    await machine.ok(`until [ "$(${spun})" -gt ${SPUN} ]; do sleep 1; done`, signal)
    await sickness.captured('hang spinning spinning.service', signal)
    await cured(machine, 'spinning', signal)

    await service(machine, 'frozenfs', '/usr/lib/vm/frozenfs /run/frozen', signal)
    await service(machine, 'reader', '/usr/lib/vm/reader /run/frozen/ledger', signal)
    const blocked = "grep -l '^State:.D' /proc/$(pidof reader)/task/*/status | wc -l"
    await machine.ok(`until [ "$(${blocked})" = 2 ]; do sleep 0.5; done`, signal)
    await sickness.switchedOff('hang blocked reader.service', signal)
    const bundles = await sickness.check(bucket, signal)
    const prints = bundles.map(({ manifest }) => manifest.findings[0]?.fingerprint ?? 'none')
    step(prints.join(' '))
    // Who sleeps uninterruptibly cannot be stopped to be looked at.
    for (const print of prints.slice(0, 2)) match(print, FINGERPRINT)
  },
}
