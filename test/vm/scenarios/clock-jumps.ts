import { ok } from 'node:assert/strict'
import { switchOff, watchRelease } from '../hard-times.ts'
import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'

/** s */
const DEADLINE = 90
/** s: 30 % of the deadline. */
const HOLD = 27
/** Two days ahead, and three back, for as long as there is a daemon; the watcher's time is to be believed, so it ends on the time that there was. */
const JUMPS =
  'while :; do date -s "+2 days"; sleep 1.5; date -s "-3 days"; sleep 1.5; date -s "+1 day"; sleep 1.5; done'
/** There is no /tmp any more, and every file system that can be full is. */
const FULL = [
  'umount -l /tmp 2>/dev/null; rm -rf /tmp; true',
  'for at in / /run /dev/shm; do dd if=/dev/zero of=$at/fill bs=64k 2>/dev/null; done; true',
  'rm -f /run/fill; dd if=/dev/zero of=/run/fill bs=1k count=$(( $(df --output=avail -k /run | tail -1) - 256 )) 2>/dev/null; true',
].join('; ')

/** All disks are full, there is no /tmp, and the clock jumps days forth and back while the host is captured. */
export const scenario: Scenario = {
  name: 'clock-jumps',
  suites: ['bookworm', 'trixie'],
  turns: ['rest', 'rest', 'bookworm', 'rest', 'rest', 'trixie'],
  minutes: 2,
  async run({ boot, bucket, operator, step }, signal) {
    const settings = `[seal]\nrecipients = ["${operator.recipient}"]`
    await using machine = await boot({ settings, deadline: DEADLINE })
    await bootDone(machine, signal)
    await watchRelease(machine, signal)
    await machine.ok(FULL, signal)
    step(await machine.ok('df -k / /run /dev/shm | tail -3; ls -d /tmp 2>&1 || true', signal))
    const unit = '--unit=jumps -p DefaultDependencies=no -p RuntimeMaxSec=infinity'
    await machine.ok(`systemd-run --quiet ${unit} bash -c '${JUMPS}'`, signal)
    const { manifest } = await switchOff(
      { bucket, step },
      machine,
      { deadline: DEADLINE, hold: HOLD, isClockOdd: true },
      signal,
    )
    ok(
      manifest.durationMs <= DEADLINE * 1000 + 5_000,
      `by the clock that does not jump it took ${manifest.durationMs} ms`,
    )
    ok(manifest.receipts.every(({ ms = 0 }) => ms >= 0 && ms <= DEADLINE * 1000 + 5_000))
  },
}
