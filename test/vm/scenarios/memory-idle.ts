import { equal, ok } from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { SUITES } from '../../../scripts/vm/base.ts'
import { captureByHand, fetchMemory, VMCORE } from '../memory/snapshot.ts'
import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'

/** MiB of memory. Of 1 GiB the kernel's own would be too large a part to say anything. */
const MEMORY = 4096
/** Shares of it that a snapshot of scope `kernel` may have, before and after compression. */
const MOST = { written: 0.08, stored: 0.03 }
/** It is memory-matrix.ts that tries it. */
const FULL = process.env.LASTGASP_FULL === '1'

/** A host with nothing to do: how much of its memory is worth taking. */
export const scenario: Scenario = {
  name: 'memory-idle',
  suites: FULL ? SUITES : [],
  async run(context, signal) {
    const { boot, bucket, operator, step } = context
    const settings = `[seal]\nrecipients = ["${operator.recipient}"]`
    const bundle = await (async () => {
      await using machine = await boot({ settings, memoryMiB: MEMORY })
      await bootDone(machine, signal)
      return await captureByHand(machine, {}, signal)
    })()
    await bucket.openForReading(signal)
    const { directory, receipt } = await fetchMemory(context, bundle, signal)
    equal(receipt.status, 'complete', receipt.reason ?? '')
    const ram = MEMORY * 1024 ** 2
    const written = (await stat(join(directory, VMCORE))).size / ram
    const stored = receipt.bytesStored / ram
    step(`${(written * 100).toFixed(1)} % of the memory, ${(stored * 100).toFixed(1)} % compressed`)
    ok(written <= MOST.written && stored <= MOST.stored)
  },
}
