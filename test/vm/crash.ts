import { setTimeout as sleep } from 'node:timers/promises'
import { cannot } from '../../agent/words/cannot.ts'
import type { Machine } from '../../scripts/vm/machine.ts'

const COREDUMPS = '/var/lib/systemd/coredump'

/** A core as systemd-coredump has stored it in the guest. */
export interface StoredCore {
  readonly path: string
  readonly sha256: string
}

/** Lets a service of this name crash with so many MiB of data, and waits until its core is stored and journalled. */
export async function crash(machine: Machine, unit: string, mib: number, signal: AbortSignal): Promise<StoredCore> {
  await machine.ok(`systemd-run --quiet --unit=${unit} /usr/lib/vm/crasher ${mib}`, signal)
  // The entry comes last: after the core has its final name.
  const entry = `journalctl --quiet -b -o cat MESSAGE_ID=fc2e22bc6ee647b6b90729ab34a250b1 COREDUMP_UNIT=${unit}.service`
  while ((await machine.ok(entry, signal)) === '') await sleep(500, undefined, { signal })
  const sums = (await machine.ok(`sha256sum ${COREDUMPS}/core.crasher.*`, signal)).trim().split('\n')
  const [sha256, path] = sums.at(-1)?.split(/\s+/) ?? []
  if (sums.length !== 1 || !sha256 || !path) throw cannot('find the core', `there are ${sums.join(', ')}`)
  return { path, sha256 }
}

/**
 * Lets a service with one of the programs' command lines, and properties of systemd's, end badly, and waits until systemd has seen it.
 * Unlike `crash`, where there is no core to wait for.
 */
export async function failedUnit(
  machine: Machine,
  unit: string,
  command: string,
  signal: AbortSignal,
  properties: readonly string[] = [],
): Promise<void> {
  const options = [`--unit=${unit}`, ...properties.map((property) => `--property=${property}`)]
  await machine.ok(`systemd-run --quiet ${options.join(' ')} /usr/lib/vm/${command}`, signal)
  await machine.ok(`until systemctl is-failed --quiet ${unit}; do sleep 0.5; done`, signal)
}
