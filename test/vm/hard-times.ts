import { equal, match, ok } from 'node:assert/strict'
import type { Machine } from '../../scripts/vm/machine.ts'
import { checkReceipts, receiptsOf, type StoredBundle } from './bucket.ts'
import type { Context } from './scenario.ts'

/** Takes the lock for a moment as soon as the collector has let it go, and says on the console when that was. */
const WATCHER = [
  'systemd-run --quiet --unit=watch -p DefaultDependencies=no -p SyslogIdentifier=watch -p StandardOutput=journal+console',
  '/usr/lib/vm/watcher /run/lastgasp/hold',
].join(' ')

/** s by which an instant of the guest may be late for want of emulated time. */
const LATE = 10
/** Share of its deadline that a capture has not yet used when it must not have given up on anything. */
const UNUSED = 0.4

/** Has the guest tell when applications are let go. */
export async function watchRelease(machine: Machine, signal: AbortSignal): Promise<void> {
  await machine.ok(WATCHER, signal)
}

/** s that a host in hard times has: for all of its capture, and for which it may keep applications. */
export interface Terms {
  readonly deadline: number
  readonly hold: number
  /** How it is switched off, where that is not by logind. */
  readonly off?: string
  /** Nobody can tell by the guest's clock when applications were let go. */
  readonly isClockOdd?: boolean
}

/** Switches the host off, and looks at what came of it: what matters arrived, the time was used, and applications were let go. */
export async function switchOff(
  { bucket, step }: Pick<Context, 'bucket' | 'step'>,
  machine: Machine,
  { deadline, hold, off = 'systemctl poweroff', isClockOdd = false }: Terms,
  signal: AbortSignal,
): Promise<StoredBundle> {
  const asked = Number(await machine.ok('echo $EPOCHREALTIME', signal))
  // Whoever asks may not live to hear that it was done.
  void machine.sh(off, signal).catch(() => {})
  step((await machine.console.waitFor(/lastgasp: .*/, signal))[0])
  equal(await machine.off(signal), 'guest-shutdown')
  await bucket.openForReading(signal)
  const bundle = await bucket.onlyBundle(signal)
  for (const { artifact, status, ms, reason } of bundle.manifest.receipts)
    step(`${artifact} ${status}: ${ms} ms ${reason ?? ''}`)
  checkReceipts(bundle)
  checkArrived(bundle)
  checkTimeUsed(bundle, deadline)
  if (isClockOdd) match(machine.console.text, /released at /)
  else step(`applications were let go after ${checkReleased(machine, asked, hold).toFixed(1)} s`)
  return bundle
}

/** Applications that live at `asked` (s, the guest's clock) were let go within `cap` s. */
function checkReleased(machine: Machine, asked: number, cap: number): number {
  const released = Number(/released at ([0-9.]+)/.exec(machine.console.text)?.[1])
  ok(released - asked <= cap + LATE, `applications were let go after ${released - asked} s of ${cap} s`)
  return released - asked
}

/** What matters most arrived: some of the facts, of the stacks, and the journal's end. */
function checkArrived(bundle: StoredBundle): void {
  for (const source of ['facts', 'stacks', 'journal'] as const) {
    const receipts = receiptsOf(bundle, source)
    const told = receipts.map(({ status, reason }) => `${status} ${reason ?? ''}`).join('; ')
    ok(
      receipts.some(({ bytesStored }) => bytesStored > 0),
      `something of ${source} arrived: ${told}`,
    )
  }
}

/** Nothing was given up for want of time while there was time. */
function checkTimeUsed({ manifest }: StoredBundle, deadline: number): void {
  // What the host itself refuses (a process that has ended) is no matter of time.
  const lost = manifest.receipts.filter(
    ({ status, because = '' }) =>
      (status === 'failed' || status === 'skipped') && ['deadline', 'collector', 'store'].includes(because),
  )
  const told = lost.map(({ artifact, reason }) => `${artifact}: ${reason}`).join('; ')
  const unused = 1 - manifest.durationMs / 1000 / deadline
  ok(lost.length === 0 || unused < UNUSED, `${Math.round(unused * 100)} % of the time was left, and yet ${told}`)
}
