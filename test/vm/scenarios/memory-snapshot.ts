import { equal, ok } from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { SUITES } from '../../../scripts/vm/base.ts'
import { bringJudges } from '../../../scripts/vm/judges.ts'
import { CACHE } from '../images.ts'
import { type Comparison, compare, IN_BETWEEN, isSound, systemRam } from '../memory/compare.ts'
import { dumpable } from '../memory/dumpable.ts'
import { askGuest, atShutdown, lasting, load } from '../memory/guest.ts'
import { dumpGuest } from '../memory/peer.ts'
import { checkReaders, readers } from '../memory/readers.ts'
import { captureByHand, fetchMemory, VMCORE } from '../memory/snapshot.ts'
import {
  checkByCrash,
  checkByDrgn,
  checkByMakedumpfile,
  checkCut,
  checkFetchedLines,
  crashKnows,
  inUse,
} from '../memory/verdict.ts'
import { PAGE, Vmcore } from '../memory/vmcore.ts'
import { bootDone } from '../power.ts'
import { FULL, type Scenario } from '../scenario.ts'

const MEMORY: { readonly memoryMiB?: number } =
  process.env.LASTGASP_MEMORY_MIB === undefined ? {} : { memoryMiB: Number(process.env.LASTGASP_MEMORY_MIB) }
/** All of the memory too, and two readers against each other: some minutes of emulation, and more than the hold allows with more memory. */
const THOROUGH = FULL && MEMORY.memoryMiB === undefined
/** Where the files are cut. */
const CUTS = [0.25, 0.5, 0.75, 0.9]

/**
 * The machine's memory with load running, taken by hand between two looks of QEMU at the same machine, and once more at its
 * shutdown: drgn, crash and makedumpfile open it, and the kernel's pages are there.
 */
export const scenario: Scenario = {
  name: 'memory-snapshot',
  suites: SUITES,
  turns: ['trixie', 'rest'],
  minutes: 5,
  async run(context, signal) {
    const { suite, boot, bucket, operator, scratch, step } = context
    const settings = `[seal]\nrecipients = ["${operator.recipient}"]\n[memory]\nscope = "kernel"\nwhen = "always"`
    const files = { ...load(), ...readers() }
    await using machine = await boot({ settings, files, ...MEMORY, deadline: 300 })
    await bootDone(machine, signal)
    const release = (await machine.ok('modprobe qemu_fw_cfg && uname -r', signal)).trim()
    const marker = randomUUID()
    await machine.ok(`echo ${marker} > /dev/kmsg`, signal)
    const then = await askGuest(machine, signal)
    await dumpGuest(machine, join(scratch, 'before'), signal)
    const kernel = await captureByHand(machine, {}, signal)
    await dumpGuest(machine, join(scratch, 'after'), signal)
    step('a snapshot between two dumps')
    const all = THOROUGH ? await captureByHand(machine, { scope: 'all' }, signal) : undefined
    const guest = lasting(then, await askGuest(machine, signal))
    const memory = systemRam(await machine.ok('cat /proc/iomem', signal))
    if (THOROUGH) step(await checkReaders(machine, memory, signal))
    // What is under load is held too long for emulation: services would be stopped before all has been read.
    await machine.ok('systemctl stop churn', signal)
    const last = atShutdown(lasting(guest, await askGuest(machine, signal)))
    await machine.sh('systemctl poweroff', signal)
    step((await machine.console.waitFor(/lastgasp: .*/, signal))[0])
    equal(await machine.off(signal), 'guest-shutdown')
    await bucket.openForReading(signal)

    const judges = await bringJudges(suite, release, CACHE, signal)
    const keptBefore = await dumpable(judges, scratch, 'before', signal)
    const keptAfter = await dumpable(judges, scratch, 'after', signal)
    const { directory, receipt } = await fetchMemory(context, kernel, signal)
    equal(receipt.status, 'complete', receipt.reason ?? '')
    {
      await using before = await Vmcore.open(join(scratch, 'before'))
      await using after = await Vmcore.open(join(scratch, 'after'))
      await using snapshot = await Vmcore.open(join(directory, VMCORE))
      const compared = await compare(snapshot, { before, after, keptBefore, keptAfter, memory })
      step(told(compared))
      checkDifferent(compared)
      const lost = await inUse(judges, scratch, 'before', compared.missing, signal)
      ok(lost.length <= compared.still * IN_BETWEEN, `still pages of the kernel are missing: ${lost.join(' ')}`)
    }
    const { size } = await stat(join(directory, VMCORE))
    const ram = memory.reduce((sum, { first, end }) => sum + (end - first) * PAGE, 0)
    step(
      `${percent(size, ram)} of the memory, ${percent(receipt.bytesStored, ram)} compressed; torn ${receipt.item.torn}`,
    )
    step(await checkByDrgn(judges, directory, VMCORE, guest, marker, signal))
    const crash = await crashKnows(judges, scratch, 'before', signal)
    if (crash) await checkByCrash(judges, directory, VMCORE, marker, signal)
    await checkByMakedumpfile(judges, directory, VMCORE, marker, signal)
    await checkFetchedLines(judges, directory, marker, crash ? ['drgn', 'crash'] : ['drgn'], signal)
    step(
      `${crash ? 'crash' : "no crash (it does not open QEMU's dump either)"}, makedumpfile, and the command lines of fetch`,
    )

    for (const share of CUTS) await checkCut(judges, directory, VMCORE, share, guest, signal)
    step(`drgn lists the tasks of what is left at ${CUTS.join(', ')}`)
    if (all !== undefined) {
      const whole = await fetchMemory(context, all, signal)
      for (const share of CUTS) await checkCut(judges, whole.directory, VMCORE, share, guest, signal)
      step(`all of the memory: drgn lists the tasks of what is left at ${CUTS.join(', ')}`)
    }
    const latest = await fetchMemory(context, 'latest', signal)
    equal(latest.receipt.status, 'complete', latest.receipt.reason ?? '')
    step(`at the shutdown: ${await checkByDrgn(judges, latest.directory, VMCORE, last, marker, signal)}`)
  },
}

/** Every page of the kernel is as it was, but for those that changed. */
function checkDifferent({ still, different }: Comparison): void {
  ok(isSound(different, still), `of ${still} still pages these differ, by so many words: ${different.join(' ')}`)
}

function told({ kernel, still, missing, different, filled, peerFilled }: Comparison): string {
  const parts = [`of ${kernel} pages of the kernel ${still} were still, ${missing.length} of them are missing`]
  parts.push(
    `${different.length} changed and changed back`,
    `${filled} pages are not all zeros, makedumpfile: ${peerFilled.join(' before, ')} after`,
  )
  return parts.join('; ')
}

function percent(part: number, whole: number): string {
  return `${((100 * part) / whole).toFixed(1)} %`
}
