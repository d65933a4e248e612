import { equal, ok } from 'node:assert/strict'
import { checkReceipts } from '../bucket.ts'
import { crash } from '../crash.ts'
import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'

const DEADLINE = 120
/** MiB in the process that crashes; about a quarter of it remains compressed, which the link carries in a quarter of a minute. */
const DATA = 128
const BYTES_PER_SECOND = 2_000_000
/** s after which somebody loses patience: what lives has been taken by then, and the core is under way. */
const PATIENCE = 12
/** s: two, and what emulation is late by. */
const SOON = 8

/**
 * Two ways to tell systemd that nobody wants to wait: what Ctrl-Alt-Del sends PID 1 (kernel/reboot.c), more than seven times within 2 s
 * (manager.c; until it is heard, as signals that are not taken in time become one), and `--force`.
 */
const FORCES = {
  'Ctrl-Alt-Del again and again': 'while kill -INT 1; do sleep 0.1; done',
  'reboot --force': 'systemctl reboot --force',
}

/** Somebody loses patience while a capture has much left to send: it is closed at once, with a manifest. */
export const scenario: Scenario = {
  name: 'forced',
  suites: ['bookworm', 'trixie'],
  minutes: 4,
  async run({ boot, bucket, link, operator, step }, signal) {
    const settings = `[seal]\nrecipients = ["${operator.recipient}"]`
    for (const [name, command] of Object.entries(FORCES)) {
      link.behaviour = 'open'
      await using machine = await boot({ settings, deadline: DEADLINE })
      await bootDone(machine, signal)
      await crash(machine, 'victim', DATA, signal)
      link.behaviour = { bytesPerSecond: BYTES_PER_SECOND }
      // The shell of the tests is stopped too once applications are let go: it does both in one go.
      const script = `systemctl --no-block reboot; sleep ${PATIENCE}; echo "forced at $EPOCHREALTIME" >/dev/console; ${command}`
      await machine.ok(`systemd-run --quiet --unit=force -p DefaultDependencies=no bash -c '${script}'`, signal)
      const [, forced] = await machine.console.waitFor(/forced at ([0-9.]+)/, signal)
      equal(await machine.off(signal), 'guest-reset')
      link.behaviour = 'open'
      await bucket.openForReading(signal)
      const bundle = (await bucket.bundles(signal)).at(-1)
      ok(bundle, 'a bundle has a manifest')
      const { manifest, objects } = bundle
      // What had been sent when it was forced may be an object whose receipt could not be waited for.
      const unheard = new Set(
        manifest.receipts.filter(({ status }) => status === 'failed').map(({ artifact }) => artifact),
      )
      checkReceipts({ ...bundle, objects: objects.filter((name) => !unheard.has(name.replace(/\.age$/, ''))) })
      const late = Date.parse(manifest.ended) / 1000 - Number(forced)
      step(`${name}: the manifest is of ${late.toFixed(1)} s after it`)
      ok(late > -1, 'the capture was under way')
      ok(late <= SOON, `the capture ended ${late} s after it was forced`)
    }
  },
}
