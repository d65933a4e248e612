import type { GuestFile } from '../../scripts/vm/disk.ts'
import type { Machine } from '../../scripts/vm/machine.ts'
import { applicationUnit } from './applications.ts'

/** A service that crashes so many seconds into its stop, with so many MiB of data. */
export interface Stopper {
  readonly after: number
  readonly mib: number
  /** s: of its unit. */
  readonly timeout: number
  readonly service?: Readonly<Record<string, string>>
}

/** Says when the host ended by its own clock: systemd-shutdown(8) runs it when all units have been stopped. */
const END: Record<string, GuestFile> = {
  '/usr/lib/systemd/system-shutdown/when': {
    content: '#!/bin/sh\necho "all stopped at $(date +%s.%N)" >/dev/console\n',
    mode: 0o755,
  },
}

/** The files of such services, each called after its unit. */
export function stopperFiles(stoppers: Readonly<Record<string, Stopper>>): Record<string, GuestFile> {
  const units = Object.entries(stoppers).map(([name, { after, mib, timeout, service }]) =>
    applicationUnit(name, `stopper ${name} ${after} ${mib}`, {
      ...{ StandardOutput: 'journal+console', TimeoutStopSec: `${timeout}`, LimitCORE: 'infinity', ...service },
    }),
  )
  return Object.assign({}, END, ...units)
}

/** ms since the epoch, by the guest's clock: when each of them was told to stop, and when all units had been stopped. */
export async function stops(
  { console }: Machine,
  names: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly told: readonly number[]; readonly ended: number }> {
  const at = async (what: string) =>
    Number((await console.waitFor(new RegExp(`${what} at (\\d+\\.\\d+)`), signal))[1]) * 1000
  const told = await Promise.all(names.map((name) => at(`${name} told`)))
  return { told, ended: await at('all stopped') }
}
