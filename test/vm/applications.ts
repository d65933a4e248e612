import type { GuestFile } from '../../scripts/vm/disk.ts'

/**
 * An application's unit, started with the others at boot: says "beat" to the journal and takes so many seconds to stop;
 * fewer once the directory `lives` is gone.
 */
export function lingererUnit(name: string, seconds: number, lives = '/'): Record<string, GuestFile> {
  return applicationUnit(name, `lingerer ${name} ${seconds} ${lives}`, { TimeoutStopSec: `${seconds + 60}` })
}

/** A unit, started with the others at boot, that runs a program of ./programs; `after` is another one that it needs. */
export function applicationUnit(
  name: string,
  command: string,
  service: Readonly<Record<string, string>> = {},
  after?: string,
): Record<string, GuestFile> {
  const unit = [
    '[Unit]',
    `Description=Test application ${name}`,
    ...(after === undefined ? [] : [`After=${after}.service`]),
    '[Service]',
    `ExecStart=/usr/lib/vm/${command}`,
    `SyslogIdentifier=${name}`,
    ...Object.entries(service).map(([key, value]) => `${key}=${value}`),
    '',
  ]
  return { [`/etc/systemd/system/${name}.service`]: { content: unit.join('\n') }, ...wanted(`${name}.service`) }
}

/** Has a unit of /etc/systemd/system started at boot. */
export function wanted(unit: string): Record<string, GuestFile> {
  return { [`/etc/systemd/system/multi-user.target.wants/${unit}`]: { link: `../${unit}` } }
}
