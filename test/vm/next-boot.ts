import { deepEqual, equal, match, ok } from 'node:assert/strict'
import type { Machine } from '../../scripts/vm/machine.ts'
import { checkReceipts, type StoredBundle } from './bucket.ts'
import { bootDone } from './power.ts'
import type { Context, HostOptions } from './scenario.ts'

/** s. A third of it is how long the store is tried before the host goes. */
const DEADLINE = 60
const DRAINED = "journalctl -b -q -o cat -u lastgasp.service | grep -q 'that had been kept in the spool went to'"

/** Switches off a host that cannot reach its store: it says so, and what it has kept. Gives what the console said. */
export async function switchOffCutOff(
  machine: Machine,
  { step }: Pick<Context, 'step'>,
  signal: AbortSignal,
): Promise<string> {
  await machine.sh('systemctl poweroff', signal)
  await machine.console.waitFor(/lastgasp: NO COMPLETE BUNDLE.*/, signal)
  equal(await machine.off(signal), 'guest-shutdown')
  const lines = machine.console.text.match(/lastgasp: .*/g) ?? []
  for (const line of lines) step(line)
  const said = lines.join('\n')
  match(said, /kept on the disk, for the next boot to send: \d+ objects/)
  match(said, /found: /)
  return said
}

/** Boots a disk again, on which something was kept, and waits until the store has it and the disk has it no more. */
export async function bootAndDrain(
  { boot, step }: Pick<Context, 'boot' | 'step'>,
  options: HostOptions & { readonly disk: string },
  signal: AbortSignal,
): Promise<Machine> {
  const machine = await boot({ deadline: DEADLINE, ...options })
  await machine.ok(`until ${DRAINED}; do sleep 0.5; done`, signal)
  step('drained')
  equal(await machine.ok('find /var/lib/lastgasp/spool -type f', signal), '')
  await bootDone(machine, signal)
  return machine
}

/** The bundle of the boot before, as it came by the drain: whole, and once. */
export async function checkDrained({ bucket }: Context, signal: AbortSignal): Promise<StoredBundle> {
  await bucket.openForReading(signal)
  const bundle = await bucket.onlyBundle(signal)
  checkReceipts({ ...bundle, objects: bundle.objects.map((name) => name.replace(/\.again$/, '')) })
  const marks = (await bucket.keys(signal)).filter((key) => key.includes('/index/'))
  deepEqual(marks.map((key) => key.replace(/^.*\./, '')).sort(), ['json', 'open'])
  ok(bundle.manifest.receipts.some(({ source, bytesStored }) => source === 'facts' && bytesStored > 0))
  return bundle
}
