import { ok } from 'node:assert/strict'
import { switchOff, watchRelease } from '../hard-times.ts'
import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'

/** s */
const DEADLINE = 90
/** s: 30 % of the deadline. */
const HOLD = 27
/** s apart. */
const JUMPS =
  'while :; do date -s "+2 days"; sleep 1.5; date -s "-3 days"; sleep 1.5; date -s "+1 day"; sleep 1.5; done'
/** There is no /tmp any more, and every file system that can be full is. */
const FULL = [
  'umount -l /tmp 2>/dev/null; rm -rf /tmp',
  // also what is reserved for root
  "fallocate -l $(( $(stat -f -c '%f * %S' /) - 1024 * 1024 )) /fill; dd if=/dev/zero of=/rest bs=4k 2>/dev/null",
  // what is left to systemd itself
  'for at in /run /dev/shm; do mount -o remount,size=$(( $(df --output=used -k $at | tail -1) + 256 ))k $at; done',
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
