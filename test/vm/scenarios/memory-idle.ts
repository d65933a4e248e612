import { equal, ok } from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { SUITES } from '../../../scripts/vm/base.ts'
import { bringJudges } from '../../../scripts/vm/judges.ts'
import { CACHE } from '../images.ts'
import { filledPages } from '../memory/compare.ts'
import { dumpable } from '../memory/dumpable.ts'
import { peak, peakOf } from '../memory/peak.ts'
import { dumpGuest } from '../memory/peer.ts'
import { captureByHand, fetchMemory, VMCORE } from '../memory/snapshot.ts'
import { Vmcore } from '../memory/vmcore.ts'
import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'

/** MiB of memory. Of 1 GiB the kernel's own would be too large a part to say anything. */
const MEMORY = 4096
/** Shares of it that a snapshot of scope `kernel` may have, before and after compression. */
const MOST = { written: 0.08, stored: 0.03 }
/** Our count of pages against makedumpfile's, at most. */
const APART = 0.1
/** Bytes of private memory that both services may have while they capture. */
const PEAK = 200 * 1024 ** 2
/** The whole machine by QEMU, for makedumpfile. */
const DUMP = 'dump'

/** A host with nothing to do: how much of its memory is worth taking. */
export const scenario: Scenario = {
  name: 'memory-idle',
  suites: SUITES,
  async run(context, signal) {
    const { suite, boot, bucket, operator, scratch, step } = context
    const settings = `[seal]\nrecipients = ["${operator.recipient}"]\n[memory]\nscope = "kernel"\nwhen = "always"`
    const { bundle, release } = await (async () => {
      await using machine = await boot({ settings, memoryMiB: MEMORY, files: peak() })
      await bootDone(machine, signal)
      const release = (await machine.ok('modprobe qemu_fw_cfg && uname -r', signal)).trim()
      const bundle = await captureByHand(machine, {}, signal)
      await dumpGuest(machine, join(scratch, DUMP), signal)
      await machine.sh('systemctl poweroff', signal)
      equal(await machine.off(signal), 'guest-shutdown')
      const most = peakOf(machine.console.text)
      step(`at the shutdown, private memory of both services: ${(most / 1024 ** 2).toFixed(0)} MiB at most`)
      ok(most <= PEAK)
      return { bundle, release }
    })()
    await bucket.openForReading(signal)
    const { directory, receipt } = await fetchMemory(context, bundle, signal)
    equal(receipt.status, 'complete', receipt.reason ?? '')
    const ram = MEMORY * 1024 ** 2
    const written = (await stat(join(directory, VMCORE))).size / ram
    const stored = receipt.bytesStored / ram
    step(`${(written * 100).toFixed(1)} % of the memory, ${(stored * 100).toFixed(1)} % compressed`)
    ok(written <= MOST.written && stored <= MOST.stored)
    await using snapshot = await Vmcore.open(join(directory, VMCORE))
    await using dump = await Vmcore.open(join(scratch, DUMP))
    const kept = await dumpable(await bringJudges(suite, release, CACHE, signal), scratch, DUMP, signal)
    const [ours, peer] = [await filledPages(snapshot), await filledPages(dump, kept)]
    step(`${ours} pages that are not all zeros; makedumpfile -d 31 of QEMU's dump: ${peer}`)
    ok(Math.abs(ours - peer) <= peer * APART)
  },
}
