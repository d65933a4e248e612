import type { GuestFile } from '../../scripts/vm/disk.ts'

/**
 * An application's unit, started with the others at boot: says "beat" to the journal and takes so many seconds to stop;
 * fewer once the directory `lives` is gone.
 */
export function lingererUnit(name: string, seconds: number, lives = '/'): Record<string, GuestFile> {
  const unit = [
    '[Unit]',
    `Description=Test application ${name}`,
    '[Service]',
    `ExecStart=/usr/lib/vm/lingerer ${name} ${seconds} ${lives}`,
    `SyslogIdentifier=${name}`,
    `TimeoutStopSec=${seconds + 60}`,
    '',
  ]
  return { [`/etc/systemd/system/${name}.service`]: { content: unit.join('\n') }, ...wanted(`${name}.service`) }
}

/** Has a unit of /etc/systemd/system started at boot. */
export function wanted(unit: string): Record<string, GuestFile> {
  return { [`/etc/systemd/system/multi-user.target.wants/${unit}`]: { link: `../${unit}` } }
}
