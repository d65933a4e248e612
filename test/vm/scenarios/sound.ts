import { equal, ok } from 'node:assert/strict'
import type { StoredBundle } from '../bucket.ts'
import { placeFor } from '../next-boot.ts'
import { bootDone, pressPowerButton } from '../power.ts'
import type { Scenario } from '../scenario.ts'
import { cured, Sickness, service, settingsOf } from '../sick.ts'
import { checkCost } from '../spent.ts'

/** Bytes in the bucket of a host whose evidence is sealed for somebody. */
const MOST_BYTES = 1024 * 1024

/** Hosts that are well: with nothing to do as the power button is pressed, at 100 % of their processors, and with memory full of files. */
export const scenario: Scenario = {
  name: 'sound',
  suites: ['bookworm', 'trixie'],
  turns: ['rest', 'trixie', 'rest', 'bookworm'],
  minutes: 3,
  async run(context, signal) {
    const { bucket, step } = context
    const host = { keep: await placeFor(context), settings: settingsOf(context), deadline: 180 }
    await switchedOff(context, host, signal)

    await using machine = await context.boot(host)
    await machine.sh('systemctl is-system-running --wait', signal)
    await bootDone(machine, signal)
    const sickness = new Sickness(machine, context, ['healthy'])
    const busy = ['busy1', 'busy2']
    for (const unit of busy) await service(machine, unit, "/bin/sh -c 'gzip </dev/urandom >/dev/null'", signal)
    await machine.ok('sleep 15', signal)
    await sickness.captured('healthy', signal)
    for (const unit of busy) await cured(machine, unit, signal)

    await machine.ok('dd if=$(findmnt -no SOURCE /) of=/dev/null bs=1M count=900 2>/dev/null', signal)
    step(await machine.ok('head -5 /proc/meminfo', signal))
    await sickness.switchedOff('healthy', signal)
    const [idle] = await sickness.check(bucket, signal)
    checkCost(idle as StoredBundle, MOST_BYTES, step)
    const live = idle?.manifest.receipts.filter(({ source, objects }) => source === 'live' && objects.length > 0)
    equal(live?.length, 0)
  },
}

/** A scale-in: the host is switched off by its button, a minute after it has booted. */
async function switchedOff(
  { boot, step }: Parameters<Scenario['run']>[0],
  host: Parameters<Parameters<Scenario['run']>[0]['boot']>[0],
  signal: AbortSignal,
): Promise<void> {
  await using machine = await boot(host)
  await machine.sh('systemctl is-system-running --wait', signal)
  await bootDone(machine, signal)
  await pressPowerButton(machine, signal)
  const [line] = await machine.console.waitFor(/lastgasp: .*/, signal)
  step(line)
  ok(line.includes('healthy'), line)
  equal(await machine.off(signal), 'guest-shutdown')
}
