import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseIndexKey } from '../../agent/bundle/keys.ts'
import type { Machine } from '../../scripts/vm/machine.ts'
import { checkReceipts, receiptsOf, type StoredBundle } from './bucket.ts'
import { bootDone } from './power.ts'
import type { Context, HostOptions } from './scenario.ts'

/** s: what was kept is sent within some seconds of the start, and the guest is slow. */
const DRAIN_WITHIN = 240
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

/** Boots a machine again, on whose disk something was kept, and waits until the store has it and the disk has it no more; `first` is run there before. */
export async function bootAndDrain(
  { boot, step }: Pick<Context, 'boot' | 'step'>,
  options: HostOptions & { readonly keep: string },
  signal: AbortSignal,
  first = 'true',
): Promise<Machine> {
  const machine = await boot(options)
  await machine.ok(first, signal)
  const drained = `${DRAINED} && [ -z "$(find /var/lib/lastgasp/spool -type f)" ]`
  const end = `end=$(( $(date +%s) + ${DRAIN_WITHIN} ))`
  await machine.ok(
    `${end}; until ${drained}; do [ $(date +%s) -lt $end ] || break; sleep 0.5; done; ${drained}`,
    signal,
  )
  step('drained')
  await bootDone(machine, signal)
  return machine
}

/** A place for a machine that boots twice. */
export async function placeFor({ scratch }: Pick<Context, 'scratch'>): Promise<string> {
  const keep = join(scratch, 'machine')
  await mkdir(keep)
  return keep
}

/** The bundle of the shutdown, as it came by the drain: whole, and once. Boots that lost their power may have sent others. */
export async function checkDrained({ bucket }: Pick<Context, 'bucket'>, signal: AbortSignal): Promise<StoredBundle> {
  await bucket.openForReading(signal)
  const [bundle, ...more] = (await bucket.bundles(signal)).filter(({ manifest }) => manifest.trigger === 'shutdown')
  ok(bundle, 'it is there')
  deepEqual(more, [])
  checkReceipts({ ...bundle, objects: bundle.objects.map((name) => name.replace(/\.again$/, '')) })
  const marks = (await bucket.keys(signal)).map(parseIndexKey).filter((key) => key?.bundle === bundle.manifest.bundle)
  deepEqual(marks.map((key) => key?.mark.kind).sort(), ['open', 'row'])
  ok(receiptsOf(bundle, 'facts').some(({ bytesStored }) => bytesStored > 0))
  return bundle
}
