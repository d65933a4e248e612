import type { GuestFile } from '../../scripts/vm/disk.ts'

/** An application's unit, started with the others at boot: says "beat" to the journal and takes its time to stop. */
export function lingererUnit(name: string, seconds: number): Record<string, GuestFile> {
  const unit = [
    '[Unit]',
    `Description=Test application ${name}`,
    '[Service]',
    `ExecStart=/usr/lib/vm/lingerer ${name} ${seconds}`,
    `SyslogIdentifier=${name}`,
    'TimeoutStopSec=120',
    '',
  ]
  return { [`/etc/systemd/system/${name}.service`]: { content: unit.join('\n') }, ...wanted(`${name}.service`) }
}

/** Has a unit of /etc/systemd/system started at boot. */
export function wanted(unit: string): Record<string, GuestFile> {
  return { [`/etc/systemd/system/multi-user.target.wants/${unit}`]: { link: `../${unit}` } }
}
