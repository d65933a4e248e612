import { equal, ok } from 'node:assert/strict'
import { bootDone, pressPowerButton } from '../power.ts'
import type { Scenario } from '../scenario.ts'
import { cured, Sickness, service, settingsOf } from '../sick.ts'

/** Requests of a healthy host's bundle: one for each object, which are small, and for opening, mark, plan, manifest and row. */
const MOST_REQUESTS = 12
const DOCUMENTS = 5
/** Bytes in the bucket. */
const MOST_BYTES = 1024 * 1024

/** Hosts that look busy and are well: at 100 % of their processors, with memory full of files, and with nothing to do as the power button is pressed. */
export const scenario: Scenario = {
  name: 'sound',
  suites: ['bookworm', 'trixie'],
  turns: ['trixie', 'bookworm'],
  minutes: 3,
  async run(context, signal) {
    const { boot, bucket, step } = context
    await using machine = await boot({ settings: settingsOf(context), deadline: 180 })
    await machine.sh('systemctl is-system-running --wait', signal)
    await bootDone(machine, signal)
    const sickness = new Sickness(machine, step)

    const busy = ['busy1', 'busy2']
    for (const unit of busy) await service(machine, unit, "/bin/sh -c 'gzip </dev/urandom >/dev/null'", signal)
    await machine.ok('sleep 15', signal)
    await sickness.captured('healthy', signal)
    for (const unit of busy) await cured(machine, unit, signal)

    await machine.ok('dd if=$(findmnt -no SOURCE /) of=/dev/null bs=1M count=900 2>/dev/null', signal)
    step(await machine.ok('head -5 /proc/meminfo', signal))
    await sickness.captured('healthy', signal)

    await sickness.switchedOff('healthy', signal, async () => await pressPowerButton(machine, signal))
    const last = (await sickness.check(bucket, signal)).at(-1)
    for (const { artifact, bytesStored } of last?.manifest.receipts ?? []) step(`${artifact} ${bytesStored}`)
    const objects = last?.manifest.receipts.flatMap((receipt) => receipt.objects) ?? []
    const bytes = objects.reduce((sum, object) => sum + object.bytes, 0)
    step(`${objects.length} objects of ${bytes} bytes`)
    ok(objects.length + DOCUMENTS <= MOST_REQUESTS, `${objects.length} objects`)
    ok(bytes <= MOST_BYTES, `${bytes} bytes`)
    equal(last?.manifest.receipts.filter(({ source, objects }) => source === 'live' && objects.length > 0).length, 0)
  },
}
