import { equal, ok } from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { checkReceipts, type StoredBundle } from '../bucket.ts'
import { crash } from '../crash.ts'
import { bootAndDrain } from '../next-boot.ts'
import { bootDone } from '../power.ts'
import type { Context, HostOptions, Scenario } from '../scenario.ts'

const DEADLINE = 120
/** MiB in the process that crashes; about a quarter of it remains compressed, which the link carries in a quarter of a minute. */
const DATA = 128
const BYTES_PER_SECOND = 2_000_000
/** s after which somebody loses patience: what lives has been taken by then, and the core is under way. */
const PATIENCE = 12
/** s after systemd says so to all: two, and what emulation is late by. */
const SOON = 8
/** s: the same. */
const DELAY = 4

/**
 * Two ways to tell systemd that nobody wants to wait: what Ctrl-Alt-Del sends PID 1 (kernel/reboot.c), more than seven times within 2 s
 * (manager.c; until it is heard, as signals that are not taken in time become one), and `--force`.
 */
const FORCES = {
  'Ctrl-Alt-Del again and again': 'while kill -INT 1; do sleep 0.1; done',
  'reboot --force': 'systemctl reboot --force',
}

/**
 * Somebody loses patience while a capture has much left to send: it is closed at once, with a manifest, which is in the bucket or, where the store
 * has not taken it in time, on the disk.
 */
export const scenario: Scenario = {
  name: 'forced',
  suites: ['bookworm', 'trixie'],
  minutes: 4,
  async run(context, signal) {
    const { boot, link, operator, scratch, step } = context
    const settings = `[seal]\nrecipients = ["${operator.recipient}"]`
    for (const [index, [name, command]] of Object.entries(FORCES).entries()) {
      link.behaviour = 'open'
      const keep = join(scratch, `machine${index}`)
      await mkdir(keep)
      await using machine = await boot({ settings, deadline: DEADLINE, keep })
      await bootDone(machine, signal)
      await crash(machine, 'victim', DATA, signal)
      // s since the epoch: when the kernel's log begins to count.
      const [now = '', up = ''] = (await machine.ok('echo $EPOCHREALTIME $(cat /proc/uptime)', signal)).split(' ')
      const booted = Number(now) - Number(up)
      link.behaviour = { bytesPerSecond: BYTES_PER_SECOND }
      // The shell of the tests is stopped too once applications are let go: it does both in one go.
      const script = `systemctl --no-block reboot; sleep ${PATIENCE}; echo "forced at $EPOCHREALTIME" >/dev/console; ${command}`
      await machine.ok(`systemd-run --quiet --unit=force -p DefaultDependencies=no bash -c '${script}'`, signal)
      const [, forced] = await machine.console.waitFor(/forced at ([0-9.]+)/, signal)
      equal(await machine.off(signal), 'guest-reset')
      const broadcast = checkGoing(machine.console.text)
      link.behaviour = 'open'
      const bundle = await bundleOf(context, index, { settings, keep }, signal)
      const { manifest } = bundle
      const objects = bundle.objects.map((object) => object.replace(/\.again$/, ''))
      // What had been sent when it was forced may be an object whose receipt could not be waited for.
      const unheard = new Set(
        manifest.receipts.filter(({ status }) => status === 'failed').map(({ artifact }) => artifact),
      )
      checkReceipts({ ...bundle, objects: objects.filter((object) => !unheard.has(object.replace(/\.age$/, ''))) })
      const late = Date.parse(manifest.ended) / 1000 - (booted + broadcast)
      step(
        `${name}: it was heard after ${(booted + broadcast - Number(forced)).toFixed(1)} s, the manifest is of ${late.toFixed(1)} s later`,
      )
      ok(late > -1, 'the capture was under way')
      ok(late <= SOON, `the capture ended ${late} s after it was forced`)
    }
  },
}

/** From the broadcast of SIGTERM to that of SIGKILL, which waits for us, there were not more than two seconds. Gives the first, in s after the boot. */
function checkGoing(console: string): number {
  const at = (what: string) =>
    Number(new RegExp(`\\[ *([0-9.]+)\\] systemd-shutdown.*Sending ${what} to`).exec(console)?.[1])
  const delay = at('SIGKILL') - at('SIGTERM')
  ok(delay <= DELAY, `the end was delayed by ${delay} s`)
  return at('SIGTERM')
}

/** The bundle of the shutdown that came as so manieth, from the store; if it is not there, from the disk, by the next boot. */
async function bundleOf(
  context: Context,
  index: number,
  host: HostOptions & { readonly keep: string },
  signal: AbortSignal,
): Promise<StoredBundle> {
  const { bucket, step } = context
  await bucket.openForReading(signal)
  const last = async () =>
    (await bucket.bundles(signal)).filter(({ manifest }) => manifest.trigger === 'shutdown').at(index)
  const bundle = await last()
  if (bundle !== undefined) return bundle
  step('the manifest is not in the bucket')
  await using again = await bootAndDrain(context, host, signal)
  again.cutPower()
  const drained = await last()
  ok(drained, 'the next boot has sent it')
  return drained
}
