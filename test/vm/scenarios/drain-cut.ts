import { setTimeout as sleep } from 'node:timers/promises'
import { bootAndDrain, checkDrained, placeFor, switchOffCutOff } from '../next-boot.ts'
import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'

/** How often the power is cut. power-cuts.ts asks for more. */
const CUTS = Number(process.env.LASTGASP_CUTS ?? 2)
/** s from the beginning of a drain, in which the power is cut. */
const DRAINING = 40
/** Bytes that a guest sends before it drains: questions for the bucket, and its first document. */
const BEGUN = 4 * 1024
/** So slow that a bundle takes about a minute. */
const SLOW = { bytesPerSecond: 16 * 1024 }

/** The power is cut while the spool is drained, at another moment each time: every object that was kept arrives, once. */
export const scenario: Scenario = {
  name: 'drain-cut',
  suites: ['bookworm', 'trixie', 'forky'],
  turns: ['rest', 'rest', 'rest', 'trixie'],
  minutes: 2 + CUTS,
  async run(context, signal) {
    const { boot, link, operator, step } = context
    const settings = `[seal]\nrecipients = ["${operator.recipient}"]\n[memory]\nscope = "off"`
    const host = { keep: await placeFor(context), settings }
    await using machine = await boot(host)
    await bootDone(machine, signal)
    link.behaviour = 'silent'
    await switchOffCutOff(machine, context, signal)
    for (let cut = 1; cut <= CUTS; cut++) {
      link.behaviour = SLOW
      const { sent } = link
      await using draining = await boot(host)
      while (link.sent < sent + BEGUN) await sleep(100, undefined, { signal })
      const after = Math.random() * DRAINING
      await sleep(after * 1000, undefined, { signal })
      const left = await draining.ok('find /var/lib/lastgasp/spool/1/objects -type f | wc -l', signal)
      draining.cutPower()
      await draining.off(signal)
      const kib = Math.round((link.sent - sent) / 1024)
      step(`cut ${cut} after ${after.toFixed(1)} s and ${kib} KiB: ${left.trim()} objects lay there`)
    }
    link.behaviour = 'open'
    await using last = await bootAndDrain(context, host, signal)
    last.cutPower()
    await last.off(signal)
    await checkDrained(context, signal)
  },
}
